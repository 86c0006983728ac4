"""The demo: a whole stream in one command, watched and then counted from outside."""
