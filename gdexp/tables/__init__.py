"""What commands on stored runs print: light, without what a run itself needs."""
