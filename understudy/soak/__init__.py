"""Runs a system for hours under constant faults: does it lose anything, or grow?"""
