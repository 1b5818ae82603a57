"""Scripts for those who work on Loss Atlas: python -m scripts.NAME"""
