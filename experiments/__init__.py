"""WHAT HAPPENS: one file per question, and the traffic, measuring and reporting they share."""
