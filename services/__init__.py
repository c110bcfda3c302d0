"""The services of Tiến Độ: the chassis (`runtime`), the four of them, and the operator's hand (`cli`)."""
