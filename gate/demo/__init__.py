"""An evening at the gate with simulated hardware at the far end of real wires."""
