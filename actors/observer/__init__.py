"""The observer: a running summary for people of what every other actor reports."""
