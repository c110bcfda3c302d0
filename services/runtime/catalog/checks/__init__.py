"""What only shows when the files of a catalog are held against each other. One module for each part of the catalog."""
