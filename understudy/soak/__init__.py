"""A system that runs for hours while everything befalls it: does it lose anything, or grow?"""
