"""How fast evonas is, beside a control in the same run."""
