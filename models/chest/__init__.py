"""Chest radiographs: fourteen findings, heart and lungs, and where a network looks."""
