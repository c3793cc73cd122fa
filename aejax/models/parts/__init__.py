"""What models share: networks, losses and corruptions."""
