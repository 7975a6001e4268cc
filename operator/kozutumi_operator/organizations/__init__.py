"""What an organization should be, and the next step towards it. Pure: values in, values out."""
