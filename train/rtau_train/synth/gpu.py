"""Opens OpenGL without a display and keeps its programs, textures and buffers.

EGL with Mesa's llvmpipe is enough; no graphics card is needed. Knows no faces. Called by
`render.py`.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rtau.errors import BackendUnavailable

SYSTEM_PACKAGES: Final = "sudo apt-get install libegl1 libgl1-mesa-dri"
_DYNAMIC: Final = "3f 3f 1f"
_STATIC: Final = "2f 3f 1f 1f"
STATIC_WIDTH: Final = 7
DYNAMIC_WIDTH: Final = 7


def open_context() -> Any:
    """Returns a moderngl context that draws off screen.

    Raises:
        BackendUnavailable: moderngl is not installed, or this machine has no EGL.
    """
    try:
        moderngl: Any = importlib.import_module("moderngl")
    except ModuleNotFoundError:
        raise BackendUnavailable(
            "rendering needs moderngl, which is not installed: pip install 'rtau[synth]'"
        ) from None
    # One picture keeps one core busy; more processes scale better than Mesa's own threads.
    os.environ.setdefault("LP_NUM_THREADS", "1")
    try:
        return moderngl.create_context(standalone=True, backend="egl", require=330)
    except Exception as error:  # noqa: BLE001 - the loader raises bare Exception and ImportError
        raise BackendUnavailable(
            f"OpenGL cannot be opened without a display ({' '.join(str(error).split())[:120]}); "
            f"install EGL: {SYSTEM_PACKAGES}"
        ) from None


def shader(name: str, /) -> str:
    """Returns the text of a shader of this package."""
    return (resources.files("rtau_train.synth") / "shaders" / f"{name}.glsl").read_text("utf-8")


def surface_program(context: Any, fragment: str, /) -> Any:
    """Returns a program that lights surfaces with a fragment shader of this package."""
    return context.program(
        vertex_shader=shader("vertex"),
        fragment_shader="#version 330\n" + shader("light") + shader(fragment),
    )


def shadow_program(context: Any, /) -> Any:
    """Returns the program that draws depth as the first light sees it."""
    return context.program(
        vertex_shader=shader("shadow_vertex"), fragment_shader=shader("shadow_fragment")
    )


def put(program: Any, values: Mapping[str, Any], /) -> None:
    """Sets the uniforms that a program has; matrices are given row-major, as numpy has them."""
    for name, value in values.items():
        if name not in program:
            continue
        if isinstance(value, np.ndarray):
            array = value.T if value.shape in ((3, 3), (4, 4)) and "light" not in name else value
            program[name].write(np.ascontiguousarray(array, np.float32).tobytes())
        else:
            program[name].value = value


def texture(context: Any, image: npt.NDArray[np.uint8], /, *, repeat: bool = False) -> Any:
    """Returns a mipmapped texture of a picture (H, W, C), whose first row is its top."""
    height, width = image.shape[:2]
    channels = image.shape[2] if image.ndim == 3 else 1
    made = context.texture((width, height), channels, np.ascontiguousarray(image[::-1]).tobytes())
    made.build_mipmaps()
    made.filter = (context.LINEAR_MIPMAP_LINEAR, context.LINEAR)
    made.repeat_x = made.repeat_y = repeat
    return made


class Mesh:
    """A mesh on the GPU whose points move from picture to picture."""

    def __init__(
        self,
        context: Any,
        programs: Mapping[str, Any],
        *,
        triangles: Mapping[str, npt.NDArray[np.int64]],
        static: npt.NDArray[np.float32],
    ) -> None:
        """Keeps (V, 7) `static`: texture coordinate, resting point, part, scalp."""
        self._moving = context.buffer(reserve=len(static) * DYNAMIC_WIDTH * 4)
        self._fixed = context.buffer(np.ascontiguousarray(static, np.float32).tobytes())
        moving = (self._moving, _DYNAMIC, "point", "normal", "sky")
        still = (self._fixed, _STATIC, "uv", "rest", "part", "scalp")
        self._arrays = {
            (use, name): context.vertex_array(
                program,
                [moving, still],
                context.buffer(rows.astype(np.int32).tobytes()),
                skip_errors=True,
            )
            for use, rows in triangles.items()
            for name, program in programs.items()
        }

    def move(
        self,
        points: npt.NDArray[np.float32],
        normals: npt.NDArray[np.float32],
        sky: npt.NDArray[np.float32] | float,
    ) -> None:
        """Puts the vertices where they are now; `sky` is how open each is to the room."""
        rows = np.empty((len(points), DYNAMIC_WIDTH), np.float32)
        rows[:, :3], rows[:, 3:6], rows[:, 6] = points, normals, sky
        self._moving.write(rows.tobytes())

    def draw(self, use: str, program: str) -> None:
        """Draws the triangles of a use with a program."""
        self._arrays[use, program].render()

    def release(self) -> None:
        """Gives the GPU's memory back."""
        for array in self._arrays.values():
            array.index_buffer.release()
            array.release()
        self._moving.release()
        self._fixed.release()
