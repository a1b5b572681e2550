"""A simulated chest radiograph whose heart size and findings are known."""
