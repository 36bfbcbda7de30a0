"""The parts of the architecture, one component resource a file. Each can be used alone by another program."""
