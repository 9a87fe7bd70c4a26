"""The demo county: Maqin with invented boundaries, enterprises and people, played through the real services."""
