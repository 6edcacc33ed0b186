"""Photos: added here, fetched from the nodes of others, shown to those who may see a record that names them."""
