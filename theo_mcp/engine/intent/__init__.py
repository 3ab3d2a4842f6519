"""What a prompt wants: rules where they are certain, else the embedding of its text and a small trained head."""
