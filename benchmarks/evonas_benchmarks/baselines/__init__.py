"""Methods that only a benchmark needs: what a method has to beat, and what shows how it can be led astray."""
