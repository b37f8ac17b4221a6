"""Who lives, who is made again, and when it is enough; the actor itself is supervisor.py."""
