"""What a person does to a running service: approve or abort its deployment."""
