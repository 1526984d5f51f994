"""Networks of Qualcomm AI Hub as architectures: which package defines each, at which input; built without weights.

`pip install --no-deps torchvision timm huggingface_hub safetensors ultralytics qai-hub-models` into a folder on
PYTHONPATH beside PyTorch: names and input sizes are those of the wheel `qai-hub-models` 0.65 (`model.py` and
`manifest.yaml` of each model). What is missing of them is left out by name, the rest goes on; torchvision is imported
without its compiled operators, which no network here needs.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pickle
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from timm_networks import UnknownNetworkError, import_timm, shortened

import mbcost
from mbcost.architectures import ArchitectureSpec
from mbcost.errors import InputError

#: Packages that ultralytics and qai-hub-models import and that none of their networks' layers use.
_UNUSED: Final = frozenset(
    (
        "cv2", "polars", "tqdm", "cpuinfo", "qai_hub", "prettytable", "gdown", "datasets", "boto3", "botocore",
        "keyrings", "schema", "deepdiff", "filelock", "ipython", "IPython", "transformers", "pycocotools", "ruamel",
        "onnxruntime", "h5py", "aimet_onnx", "requests_toolbelt", "packaging", "git", "tabulate", "shapely",
        "seaborn", "matplotlib", "psutil", "requests", "typing_extensions", "thop", "pandas", "torchaudio", "soundfile",
        "qai_hub_models_cli", "pydantic", "pydantic_yaml", "fsspec", "sklearn", "skimage", "huggingface_hub",
        "safetensors", "google",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """What a network of AI Hub is.

    Attributes
    ----------
    package, name
        Where it is defined: torchvision, timm, ultralytics, qai or own (`ai_hub_modules.py`).
    shape
        Of its input: batch, channels, height, width.
    attention
        Whether it is made of attention rather than of convolutions.
    normalised
        Whether it subtracts a mean and divides by a deviation of each colour first.
    """

    package: str
    name: str
    shape: tuple[int, ...] = (1, 3, 224, 224)
    attention: bool = False
    normalised: bool = False


def _of(package: str, side: int | tuple[int, int] = 224, *, attentive: bool = False, **names: str) -> dict[str, Source]:
    height, width = side if isinstance(side, tuple) else (side, side)
    return {key: Source(package, name, (1, 3, height, width), attentive) for key, name in names.items()}


#: Model, or model/component, of the table -> what it is.
NETWORKS: Final[Mapping[str, Source]] = {
    **_of(
        "torchvision", convnext_base="convnext_base", convnext_tiny="convnext_tiny", densenet121="densenet121",
        efficientnet_b0="efficientnet_b0", googlenet="googlenet", mnasnet05="mnasnet0_5", mobilenet_v2="mobilenet_v2",
        mobilenet_v3_large="mobilenet_v3_large", mobilenet_v3_small="mobilenet_v3_small", regnet="regnet_x_3_2gf",
        regnet_y_800mf="regnet_y_800mf", resnet101="resnet101", resnet18="resnet18", resnet50="resnet50",
        resnext101="resnext101_32x8d", resnext50="resnext50_32x4d", shufflenet_v2="shufflenet_v2_x0_5",
        squeezenet1_1="squeezenet1_1", wideresnet50="wide_resnet50_2",
    ),
    **_of("torchvision", 380, efficientnet_b4="efficientnet_b4"),
    **_of("torchvision", 384, efficientnet_v2_s="efficientnet_v2_s"),
    **_of("torchvision", 299, inception_v3="inception_v3"),
    **_of("torchvision", 520, fcn_resnet50="segmentation.fcn_resnet50"),
    **_of("torchvision", 224, attentive=True, swin_tiny="swin_t", swin_small="swin_s", swin_base="swin_b"),
    **_of("torchvision", 224, attentive=True, vit="vit_b_16"),
    **_of("torchvision", 256, attentive=True, swinv2_base="swin_v2_b"),
    "resnet_3d": Source("torchvision", "video.r3d_18", (1, 3, 16, 112, 112)),
    "resnet_2plus1d": Source("torchvision", "video.r2plus1d_18", (1, 3, 16, 112, 112)),
    "resnet_mixed": Source("torchvision", "video.mc3_18", (1, 3, 16, 112, 112)),
    **_of(
        "timm", mobilenet_v4="mobilenetv4_conv_medium", dla102x="dla102x", repvit="repvit_m2_3",
        convnext_v2_base="convnextv2_base", efficientformer="efficientformer_l1",
    ),
    **_of("timm", 299, inception_v4="inception_v4"),
    **_of("timm", 331, nasnet="nasnetalarge"),
    **_of("timm", 300, efficientnet_lite4="tf_efficientnet_lite4"),
    **_of("timm", 224, attentive=True, levit="levit_128s", beit="beit_base_patch16_224"),
    **_of("timm", 224, attentive=True, efficientvit_b2_cls="efficientvit_b2"),
    **_of("timm", 384, attentive=True, efficientvit_l2_cls="efficientvit_l2"),
    **_of("timm", 256, attentive=True, mobile_vit="mobilevit_s"),
    **_of(
        "ultralytics", 640, yolo26_det="yolo26n", yolo26_pose="yolo26n-pose", yolo26_seg="yolo26n-seg",
        yolov10_det="yolov10n", yolov11_det="yolo11n", yolov11_pose="yolo11n-pose", yolov11_seg="yolo11n-seg",
        yolov5="yolov5m", yolov8_det="yolov8n", yolov8_obb="yolov8n-obb", yolov8_seg="yolov8n-seg",
        yolov9_det="yolov9t", yoloe_seg="yolov8l-seg", fastsam_s="yolov8s-seg", fastsam_x="yolov8x-seg", lpdm="yolov8n",
        yolov6="yolov6n",
    ),
    **_of("ultralytics", 416, yolov3="yolov3-tiny"),
    "deepbox/yolo_2d_detection": Source("ultralytics", "yolov3", (1, 3, 416, 416)),
    "face_det_lite": Source("qai", "face_det_lite.model:FaceDetLite", (1, 1, 480, 640)),
    "face_attrib_net": Source("qai", "face_attrib_net.model:FaceAttribNet", (1, 3, 128, 128)),
    "gear_guard_net": Source("qai", "gear_guard_net.model:GearGuardNet", (1, 3, 320, 192)),
    "foot_track_net": Source("qai", "foot_track_net.model:FootTrackNet", (1, 3, 480, 640)),
    "hfnet": Source("qai", "hfnet.hfnet_torch:HFNetTorch", (1, 480, 640, 1)),
    **_of(
        "own", 128, esrgan="esrgan", real_esrgan_x4plus="esrgan", real_esrgan_general_x4v3="srvgg", srgan="srgan",
        quicksrnetsmall="quicksr_small", quicksrnetmedium="quicksr_medium", quicksrnetlarge="quicksr_large",
        sesr_m5="sesr", xlsr="xlsr",
    ),
    **_of("own", (1024, 2048), ddrnet23_slim="ddrnet", ffnet_40s="ffnet_40s", ffnet_54s="ffnet_54s"),
    **_of("own", (1024, 2048), ffnet_78s="ffnet_78s"),
    **_of("own", (512, 1024), ffnet_78s_lowres="ffnet_78s_lowres", ffnet_122ns_lowres="ffnet_122ns"),
    **_of("own", (640, 1280), unet_segmentation="unet"),
    **_of("own", 513, deeplabv3_plus_mobilenet="deeplab_mobile"),
    **_of("own", (480, 520), deeplab_xception="deeplab_xception"),
    **_of("own", 320, u2net_segmentation="u2net"),
    **_of("own", 256, nafnet_denoise="nafnet_sidd", hrnet_face="hrnet_face", midas="midas"),
    **_of("own", (368, 640), nafnet_deblur="nafnet_reds"),
    **_of("own", (256, 192), hrnet_pose="hrnet_pose"),
    **_of("own", (256, 128), osnet="osnet"),
    **_of("own", 416, yolov4="yolov4_tiny"),
    **_of("own", 640, yolox="yolox_s"),
    **_of("own", 1200, resnet34_ssd1200="ssd34"),
    **_of("own", 512, attentive=True, segformer_base="segformer"),
    **_of("own", (513, 257), posenet_mobilenet="posenet"),
    "easyocr/detector": Source("own", "craft", (1, 3, 608, 800)),
    "deepbox/vgg_3d_detection": Source("own", "vgg_boxes"),
    "lama_dilated": Source("own", "lama_dilated", (1, 4, 512, 512)),
    "dncnn": Source("own", "dncnn", (1, 1, 256, 256)),
    "aotgan": Source("own", "aotgan", (1, 4, 512, 512)),
    "pspnet": Source("own", "pspnet", (2, 3, 473, 473)),
    "salsanext": Source("own", "salsanext", (1, 5, 64, 2048)),
    "yamnet": Source("own", "yamnet", (1, 1, 96, 64)),
}  # fmt: skip
#: Networks that subtract a mean and divide by a deviation of each colour themselves (`normalize_image_torchvision`).
#: Others scale all colours alike, which the first convolution can take, or expect normal images.
NORMALISED: Final = frozenset(
    (
        "convnext_base", "convnext_tiny", "convnext_v2_base", "densenet121", "efficientnet_b0", "mnasnet05",
        "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "regnet", "regnet_y_800mf", "resnet101", "resnet18",
        "resnet50", "resnext101", "resnext50", "shufflenet_v2", "squeezenet1_1", "wideresnet50", "efficientnet_b4",
        "efficientnet_v2_s", "fcn_resnet50", "swin_tiny", "swin_small", "swin_base", "vit", "swinv2_base",
        "mobilenet_v4", "dla102x", "repvit", "efficientformer", "levit", "beit", "efficientvit_b2_cls",
        "efficientvit_l2_cls", "ddrnet23_slim", "ffnet_40s", "ffnet_54s", "ffnet_78s",
        "ffnet_78s_lowres", "ffnet_122ns_lowres", "deeplabv3_plus_mobilenet", "hrnet_face", "hrnet_pose", "midas",
        "osnet", "easyocr/detector", "u2net_segmentation", "resnet34_ssd1200", "segformer_base", "pspnet",
        "deepbox/vgg_3d_detection",
    )
)  # fmt: skip
#: Parameters of each as AI Hub states them [1e6], and how far what is built may be from that [1]: some statements count
#: classifiers that are not run, or an earlier version. SESR's are those of its training.
PARAMETERS: Final[Mapping[str, float]] = {
    "aotgan": 15.2, "beit": 92, "convnext_base": 88.6, "convnext_tiny": 28.6, "convnext_v2_base": 88.7,
    "ddrnet23_slim": 6.13, "deepbox/vgg_3d_detection": 46.1, "deepbox/yolo_2d_detection": 61.9,
    "deeplab_xception": 41.26, "deeplabv3_plus_mobilenet": 5.8, "densenet121": 7.99, "dla102x": 26.3, "dncnn": 0.555,
    "easyocr/detector": 20.8, "efficientformer": 12.3, "efficientnet_b0": 5.27, "efficientnet_b4": 19.3,
    "efficientnet_lite4": 13.01, "efficientnet_v2_s": 21.4, "efficientvit_b2_cls": 24.3, "efficientvit_l2_cls": 63.7,
    "esrgan": 16.7, "face_attrib_net": 12.1, "face_det_lite": 0.878, "fastsam_s": 11.8, "fastsam_x": 72.2,
    "fcn_resnet50": 33, "ffnet_122ns_lowres": 32.1, "ffnet_40s": 13.9, "ffnet_54s": 18, "ffnet_78s": 27.5,
    "ffnet_78s_lowres": 26.8, "foot_track_net": 2.53, "gear_guard_net": 6.19, "googlenet": 6.62, "hfnet": 33,
    "hrnet_face": 9.68, "hrnet_pose": 28.5, "inception_v3": 23.9, "inception_v4": 42.6, "lama_dilated": 45.6,
    "levit": 7.82, "lpdm": 3.04, "midas": 16.6, "mnasnet05": 2.21, "mobile_vit": 5.57, "mobilenet_v2": 3.49,
    "mobilenet_v3_large": 5.47, "mobilenet_v3_small": 2.54, "mobilenet_v4": 9.68, "nafnet_deblur": 67.89,
    "nafnet_denoise": 115.98, "nasnet": 88.7, "osnet": 2.68, "posenet_mobilenet": 3.31, "pspnet": 65.7,
    "quicksrnetlarge": 0.436, "quicksrnetmedium": 0.061, "quicksrnetsmall": 0.0333, "real_esrgan_general_x4v3": 1.21,
    "real_esrgan_x4plus": 16.7, "regnet": 15.3, "repvit": 22.9, "resnet101": 44.5, "resnet18": 11.7,
    "resnet34_ssd1200": 20, "resnet50": 25.5, "resnet_2plus1d": 31.5, "resnet_3d": 33.4, "resnet_mixed": 11.7,
    "resnext101": 88.7, "resnext50": 25, "salsanext": 6.71, "segformer_base": 3.75,
    "shufflenet_v2": 1.37, "squeezenet1_1": 1.24, "srgan": 1.55, "swin_base": 88.8, "swin_small": 50.4,
    "swin_tiny": 28.8, "swinv2_base": 88.8, "u2net_segmentation": 44, "unet_segmentation": 31, "vit": 86.6,
    "wideresnet50": 68.9, "xlsr": 0.028, "yamnet": 3.73, "yolo26_det": 2.4, "yolo26_pose": 2.97, "yolo26_seg": 2.7,
    "yoloe_seg": 53.47, "yolov10_det": 2.33, "yolov11_det": 2.64, "yolov11_pose": 2.9, "yolov11_seg": 2.89,
    "yolov3": 11.5, "yolov4": 6.06, "yolov5": 21.2, "yolov6": 4.68, "yolov8_det": 3.18, "yolov8_seg": 3.43,
    "yolox": 8.98,
}  # fmt: skip
APART: Final = 0.25
#: Sizes of the same networks in an older release of the table (qai-hub-models of February 2026): classifiers all took
#: 224 x 224 pixels.
OLDER_SIDE: Final = 224


def source_of(model: str, component: str = "") -> Source | None:
    """What a row of the table is, or None where nothing defines it."""
    name = f"{model}/{component}" if f"{model}/{component}" in NETWORKS else model
    found = NETWORKS.get(name)
    return None if found is None else replace(found, normalised=name in NORMALISED)


def network(source: Source, cache: Path) -> ArchitectureSpec:
    """A network as an architecture, from `cache` or imported.

    Raises
    ------
    UnknownNetworkError
        If a package is not installed, or mbcost cannot read the network.
    """
    size = "x".join(map(str, source.shape)) + "-normalised" * source.normalised
    path = cache / f"{source.package}-{source.name.replace(':', '.')}-{size}.pickle"
    if path.is_file():
        with path.open("rb") as stream:
            spec: ArchitectureSpec = pickle.load(stream)  # written below
            return spec
    module = built(source)
    if source.normalised:
        module = _normalised(module)
    try:
        spec = replace(mbcost.from_torch(module, source.shape, name="network"), name=source.name.replace(":", "."))
    except InputError as error:
        raise UnknownNetworkError(shortened("; ".join(dict.fromkeys(p.message for p in error.problems)))) from None
    cache.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_bytes(pickle.dumps(spec))
    draft.replace(path)
    return spec


def built(source: Source) -> Any:
    """The module without memory for its weights where that can be had.

    Raises
    ------
    UnknownNetworkError
        If its package is not installed or has no such network.
    """
    import torch

    reasons = []
    for device in ("meta", "cpu"):
        try:
            with torch.device(device):
                return _BUILDERS[source.package](source).eval()
        except UnknownNetworkError:
            raise
        except Exception as error:  # noqa: BLE001  # the network's own code
            reasons.append(f"{type(error).__name__}: {error}")
    raise UnknownNetworkError(shortened(reasons[-1]))


def _normalised(network: Any) -> Any:
    """The network after the normalisation of its image."""
    import torch

    class Normalised(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.register_buffer("mean", torch.zeros(1, 3, 1, 1, device="meta"))
            self.register_buffer("deviation", torch.ones(1, 3, 1, 1, device="meta"))

        def forward(self, image: Any) -> Any:
            return self.network((image - self.mean) / self.deviation)

    return Normalised().eval()


def _classes(network: Any) -> Any:
    """A segmentation network whose output is the best class of each pixel (here its value: as much work)."""
    import torch

    class Classes(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, image: Any) -> Any:
            return self.network(image)["out"].amax(1)

    return Classes()


def _torchvision(source: Source) -> Any:
    found: Any = import_torchvision().models
    for part in source.name.split("."):
        found = getattr(found, part)
    if source.name.startswith("segmentation"):
        return _classes(found(weights=None, weights_backbone=None))
    more = {}
    if source.name in ("googlenet", "inception_v3"):
        more = {"aux_logits": False, "init_weights": False, "transform_input": False}
    return found(weights=None, **more)


def import_torchvision() -> Any:
    """torchvision without its compiled operators.

    Raises
    ------
    UnknownNetworkError
        If it is not installed.
    """
    import torch

    if "torchvision" in sys.modules:
        return sys.modules["torchvision"]
    register = torch.library.register_fake

    def tolerant(name: Any, *rest: Any, **more: Any) -> Any:
        if str(name).startswith("torchvision::"):
            return lambda function: function
        return register(name, *rest, **more)

    torch.library.register_fake = tolerant
    try:
        return importlib.import_module("torchvision")
    except ImportError as error:
        raise UnknownNetworkError(f"{error}; pip install --no-deps torchvision, beside torch") from None
    finally:
        torch.library.register_fake = register


def _timm(source: Source) -> Any:
    import_torchvision()
    timm = import_timm()
    side = source.shape[-1]
    for sizes in ({"img_size": side}, {}):
        try:
            return timm.create_model(source.name, pretrained=False, **sizes)
        except TypeError:
            continue
    raise UnknownNetworkError(f"timm has no {source.name}")


class _AnyClass(type):
    """A class whose every attribute is a class that takes any arguments."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _any_class(name)


class _Anything:
    """An object that has, holds and takes anything."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Take anything."""

    def __getattr__(self, name: str) -> Any:
        return _any_class(name)

    def __getitem__(self, _: Any) -> Any:
        return {}

    def __contains__(self, _: Any) -> bool:
        return False

    def __fspath__(self) -> str:
        return f"{type(self).__name__}.pth"


def _any_class(name: str) -> Any:
    return _AnyClass(name, (_Anything,), {})


class _StandIn(ModuleType):
    """A module in which every name is a class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = _any_class(name)
        setattr(self, name, found)
        return found


class _Unused(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds stand-ins for packages that are missing and not used."""

    def __init__(self, packages: frozenset[str]) -> None:
        self.packages = packages

    def find_spec(self, name: str, _: Any, __: Any = None) -> Any:
        known = name.split(".")[0] in self.packages
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if known else None

    def create_module(self, spec: Any) -> Any:
        module = _StandIn(spec.name)
        module.__path__ = []
        module.__version__ = "0.0"  # type: ignore[attr-defined]
        return module

    def exec_module(self, module: Any) -> None:
        del module


@contextmanager
def _stand_ins(packages: frozenset[str] = _UNUSED) -> Iterator[None]:
    finder = _Unused(packages)
    before = set(sys.modules)
    sys.meta_path.insert(0 if packages is not _UNUSED else len(sys.meta_path), finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - before:
            if isinstance(sys.modules[name], _StandIn) or name.startswith("qai_hub_models"):
                del sys.modules[name]


def _ultralytics(source: Source) -> Any:
    import_torchvision()
    os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.gettempdir())  # ultralytics keeps settings
    with _stand_ins():
        try:
            tasks = importlib.import_module("ultralytics.nn.tasks")
        except ImportError as error:
            raise UnknownNetworkError(f"{error}; pip install --no-deps ultralytics") from None
        name = source.name
        kind = {"seg": "SegmentationModel", "pose": "PoseModel", "obb": "OBBModel"}.get(name.rpartition("-")[2])
        model = getattr(tasks, kind or "DetectionModel")(f"{name}.yaml", verbose=False)
        model.fuse = lambda *_, **__: model
        head = model.model[-1]
        head.export, head.format = True, "tflite"
        if getattr(head, "one2one_cv2", None) is not None:  # one of two heads is deployed, as AI Hub patches it
            head.end2end = False
            head.fuse()
        return model


def _qai(source: Source) -> Any:
    """A network whose layers are in the wheel: its `model.py` alone, everything that it loads and measures left out."""
    import_torchvision()
    import torch

    class BaseModel(torch.nn.Module):
        """What the wheel's networks derive from, without weights."""

        def load_state_dict(self, *_: Any, **__: Any) -> None:
            """Nothing: there are none."""

    wheel = next(
        (Path(folder) / "qai_hub_models" for folder in sys.path if (Path(folder) / "qai_hub_models").is_dir()), None
    )
    if wheel is None:
        raise UnknownNetworkError("no qai_hub_models; pip install --no-deps qai-hub-models")
    file, _, name = source.name.partition(":")
    model = file.partition(".")[0]
    load = torch.load
    with _stand_ins(), _stand_ins(frozenset(("qai_hub_models",))):
        torch.load = lambda *_, **__: {}
        base = importlib.import_module("qai_hub_models.utils.base_model")
        vars(base)["BaseModel"] = BaseModel
        for part in (f"{model}.layers", f"{model}.utils", file):
            path = wheel / "models" / f"{part.replace('.', '/')}.py"
            if not path.is_file():
                continue
            key = f"qai_hub_models.models.{part}"
            spec = importlib.util.spec_from_file_location(key, path)
            if spec is None or spec.loader is None:
                raise UnknownNetworkError(f"{path} cannot be read")
            sys.modules[key] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[key])
        found = getattr(sys.modules[f"qai_hub_models.models.{file}"], name)
        try:
            return found.from_pretrained() if hasattr(found, "from_pretrained") else found()
        finally:
            torch.load = load


def _own(source: Source) -> Any:
    from ai_hub_modules import MODULES

    import_torchvision()

    return MODULES[source.name]()


_BUILDERS: Final = {
    "torchvision": _torchvision, "timm": _timm, "ultralytics": _ultralytics, "qai": _qai, "own": _own
}  # fmt: skip
