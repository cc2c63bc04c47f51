"""Making and hosting Plans. Never needed to run one."""
