"""Data sets that evonas makes itself, in the layout that `npy:FOLDER` reads.

Some follow the published recipes of the NAS Unseen-Data challenge (Geada et al., "Insights from the Use of Previously
Unseen Neural Architecture Search Datasets", CVPR 2024, arXiv 2404.02189), others are in their spirit and need no
download.
"""
