"""Catalog: what is known of frameworks, of hardware and of base images, one entry each, and nowhere else.

`frameworks`, `hardware` and `families` hold the entries; `lookup` and `tags` derive tables from them. To add
a framework, a kind of hardware or a family of base images, write one entry there.
"""
