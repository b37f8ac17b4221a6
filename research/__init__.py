"""Looking into markets and strategies away from the market: recordings and what is made of them."""
