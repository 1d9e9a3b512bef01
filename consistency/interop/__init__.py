"""Other tools' protocols and formats, spoken at the edge of the house."""
