"""How the report writes networks, data sets, protocols and numbers.

Words only. Called by every section of the report.
"""

from __future__ import annotations

import math

NETWORKS = {
    "vgg19": "VGG19",
    "vgg19_bn": "VGG19 with batch norms",
    "vgg19_bn_shallow": "VGG19's first convolution of each block",
    "resnet101": "ResNet101",
    "nasnet_mobile": "NASNet Mobile",
    "mobilenetv2": "MobileNetV2",
    "efficientnet_b0": "EfficientNetB0",
    "shufflenetv2_x1_0": "ShuffleNetV2",
    "resnet18": "ResNet18",
    "resnet34": "ResNet34",
    "resnet50": "ResNet50",
}
DATASETS = {"disfa+": "DISFA+", "dem": "DEM", "fer2013": "FER2013", "ckplus": "CK+"}
PROTOCOLS = {
    "image": "by image",
    "subject": "by subject",
    "given": "as given",
}
METHODS = {"gradcam": "Grad-CAM", "gradcam++": "Grad-CAM++"}
NOT_RUN = "not run"
NOT_GIVEN = "not given"
UNKNOWN = "n/a"


def network_name(key: str, /) -> str:
    """Returns a network as the papers write it; one they do not have as its key."""
    return NETWORKS.get(key, key)


def dataset_name(key: str, /) -> str:
    """Returns a data set as the papers write it; one they do not have as its key."""
    return DATASETS.get(key, key)


def paper_label(label: str, /) -> str:
    """Returns an AU as the papers write it, AU04 as AU4; an emotion as it is."""
    return f"AU{int(label[2:])}" if label[:2] == "AU" and label[2:].isdigit() else label


def number(value: float, /, *, digits: int = 3) -> str:
    """Returns a number with fixed digits; n/a for NaN."""
    return UNKNOWN if math.isnan(value) else f"{value:.{digits}f}"


def percent(value: float, /) -> str:
    """Returns a share as a percentage with two digits; n/a for NaN."""
    return UNKNOWN if math.isnan(value) else f"{value:.2%}".replace("%", " %")


def interval(low: float, high: float, /, *, digits: int = 2) -> str:
    """Returns both ends of an interval; empty where there is none."""
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"{low:.{digits}f}\N{EN DASH}{high:.{digits}f}"


def listed(words: list[str], /) -> str:
    """Returns words as a phrase: a, b and c."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
