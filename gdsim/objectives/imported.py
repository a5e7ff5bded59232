"""Functions of the users' own: imported by name, and made functions of points (…, dim) to values (…)."""

from __future__ import annotations

import ast
import importlib
import inspect
import math
import sys
import textwrap
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError, did_you_mean
from gdsim.installed import find, folders, how_to_get, is_installed

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Form", "dimensions", "import_function", "note", "vectorised"]

Function = Callable[..., Any]

_KEY = ("python",)

# Points at which a function is tried.
_PROBES = 7

# Batches are filled up to a multiple of this: the last few elements of a tensor are rounded otherwise than
# the rest (in x**4, say), so that a point alone would differ in the last bit from the same in a batch.
_ROWS = 32


class Form(Enum):
    """How a function is written, and therefore called; the value says it in words."""

    BATCH = "written for batches"
    POINT = "written for one point, vectorised"
    LOOP = "written for one point, called for each"


def import_function(reference: str, *, folder: Path | None = None, allow_code: bool = False) -> Function:
    """Import a function from an installed package, or from a file beside the configuration.

    Args:
        reference: `"module:function"`, such as `"my_loss:valley"`; both parts may be dotted.
        folder: Where the configuration stands, the current folder when None.
        allow_code: Whether code in `folder` may run. It then goes before an installed package of the same name;
            its imports of files beside it work while it is loaded, not later from within a function.

    Returns:
        The function, from the file as it is now.

    Raises:
        InputError: The reference is malformed, leads to no function, or to code that may not run; or the module
            raises an exception. Nothing of a refused module is executed.
    """
    module, path = _parts(reference)
    top = module[0]
    if top in sys.stdlib_module_names or any(_is_dunder(word) for word in [*module, *path]):
        raise InputError(f"'{reference}' is a part of Python, not a function to descend", _KEY)
    beside = (folder or Path.cwd()).resolve()
    name = ".".join(module)
    importlib.invalidate_caches()
    if allow_code and _Beside(beside).find_spec(top) is not None:
        loaded = _loaded_from(beside, name)
    else:
        _check_installed(top, beside, allow_code)
        loaded = _loaded(name, _home_of(top))
    return _attribute(loaded, path, reference)


def dimensions(function: Function) -> int:
    """Return the number of coordinates that a function takes, where that can be known.

    `f(x, y)` takes two. A function of one argument is tried with points of one coordinate and more: one that
    unpacks or indexes its point fails with too few; one that serves any number cannot be known.

    Raises:
        InputError: It cannot be known.
    """
    import torch

    fewest, _ = _arguments(function)
    if fewest > 1:
        return fewest
    with _undisturbed():
        fitting = [dim for dim in range(1, 5) if _fits(function, torch.linspace(0.31, 0.73, dim, dtype=torch.float64))]
    # Whoever indexes p[1] is content with more than two coordinates, too; whoever is content with one and with
    # two has no number of its own.
    if not fitting or fitting[:2] == [1, 2]:
        raise InputError(f"give dim: how many coordinates {_name(function)} takes cannot be told from it", ("dim",))
    return fitting[0]


def vectorised(function: Function, dim: int, bounds: npt.ArrayLike) -> tuple[Callable[[Tensor], Tensor], Form]:
    """Make a function of one point, of its coordinates or of a batch into one of points (…, dim).

    The form is found by trying it on a few points, values and gradients: for f(P) of a batch P (n, dim), then
    with `torch.func.vmap`, then called for each point. A form counts only if it gives what single points give.
    The gradient is held against a central difference, because what is computed outside torch drops out of it
    in silence.

    Args:
        function: Takes a point (dim,), `dim` coordinates, or a batch of either; returns one number a point.
        dim: The number of coordinates of a point.
        bounds: (dim, 2), where the function is tried.

    Returns:
        The function of a float64 tensor (…, dim) to float64 values (…), and the form in which it is called. It
        raises InputError when the function itself raises an exception. A point has the value and gradient that
        it has alone and in any other batch: to the last bit in a loop by construction, and in a batch as far as
        torch rounds all full rows alike, which it is measured to do for powers, sums and products of matrices.

    Raises:
        InputError: The function fails, returns something else than a number a point, is finite nowhere or random,
            or loses its gradient.
    """
    import torch

    points = torch.from_numpy(_probes(np.asarray(bounds, dtype=np.float64).reshape(dim, 2)))
    with _undisturbed():
        call, by_loop = _understood(function, points)
        truth = _evaluated(by_loop, points)
        _check_values(function, by_loop, points, truth)
        _check_gradient(function, call, by_loop, points, truth)
        candidates = {
            Form.BATCH: partial(_by_batch, call),
            Form.POINT: partial(_by_batch, _Call(function, torch.func.vmap(call.function))),
        }
        form = next((form for form, f in candidates.items() if _agrees(f, points, truth)), Form.LOOP)
    return partial(_shaped, candidates.get(form, by_loop)), form


def note(f: Callable[[Tensor], Tensor], bounds: npt.ArrayLike) -> str:
    """Return what a user should know of a function's values; nothing for most.

    Args:
        f: A function of points (…, dim), as `vectorised` returns it.
        bounds: (dim, 2), where it is tried.
    """
    import torch

    with torch.no_grad():
        values = f(torch.from_numpy(_probes(np.asarray(bounds, dtype=np.float64))))
    whole = bool((values == values.round()).all())
    return "" if whole or not _is_single(values) else "Its values are float32, good to 7 digits, cast to float64."


# Importing


def _parts(reference: str) -> tuple[list[str], list[str]]:
    module, colon, path = reference.partition(":")
    words, attributes = module.split("."), path.split(".")
    if not colon or not all(word.isidentifier() for word in [*words, *attributes]) or words[-1] == "py":
        message = (
            f"python must be 'module:function', as in 'my_loss:valley' for valley in my_loss.py, not '{reference}'"
        )
        raise InputError(message, _KEY)
    return words, attributes


def _is_dunder(word: str) -> bool:
    return word.startswith("__")


class _Fresh(SourceFileLoader):
    """Compiles a file each time: bytecode is kept by second and size, and could be that of an older text."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


class _Beside(MetaPathFinder):
    """Finds modules in one folder, and remembers which."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        parent = fullname.rpartition(".")[0]
        if fullname in sys.stdlib_module_names or (parent and parent not in self.found):
            return None
        for entry in [str(self.folder)] if path is None else path:
            spec = FileFinder(entry, (_Fresh, SOURCE_SUFFIXES)).find_spec(fullname, target)
            # A mere folder, such as one of pictures, does not hide an installed package of its name.
            if spec is not None and (parent or spec.loader or not self._is_elsewhere(fullname)):
                self.found.add(fullname)
                return spec
        return None

    def _is_elsewhere(self, top: str) -> bool:
        return bool(folders(PathFinder.find_spec(top)) - {self.folder})


def _loaded_from(folder: Path, name: str) -> ModuleType:
    """Import a module from a folder, and leave no trace of the folder in the import system."""
    top = name.partition(".")[0]
    aside = {known: sys.modules.pop(known) for known in [*sys.modules] if f"{known}.".startswith(f"{top}.")}
    finder = _Beside(folder)
    sys.meta_path.insert(0, finder)
    try:
        return _loaded(name, folder)
    finally:
        sys.meta_path.remove(finder)
        for own in finder.found:
            sys.modules.pop(own, None)
        sys.modules.update(aside)


def _loaded(name: str, home: Path | None) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            parent, _, last = str(error.name).rpartition(".")
            raise InputError(f"'{parent}' has no module '{last}'", _KEY) from error
        pip = f"; {how_to_get(error.name)}" if isinstance(error, ModuleNotFoundError) and error.name else ""
        raise InputError(f"importing '{name}' fails{_place(error, home)}: {_words(error)}{pip}", _KEY) from error


def _check_installed(top: str, beside: Path, allow_code: bool) -> None:
    """Refuse a module that is not installed, and tell why."""
    places = [folder for folder in (beside, Path.cwd().resolve()) if not is_installed(folder)]
    spec = find(top)
    if spec is not None and not folders(spec) & {*places}:
        return
    where = next((folder for folder in places if folder in folders(spec) or _Beside(folder).find_spec(top)), None)
    if where is None:
        message = f"no module '{top}' is installed ({how_to_get(top)}), and no {top}.py stands beside the configuration"
    elif allow_code:
        message = f"'{top}' stands in {where}, neither beside the configuration nor installed"
    else:
        message = f"'{top}' stands in {where} and is not installed: its code runs only under --allow-code"
    raise InputError(message, _KEY)


def _home_of(top: str) -> Path | None:
    """Return the folder of a package, or that of a module."""
    spec = find(top)
    packages = spec.submodule_search_locations if spec else None
    return Path(packages[0]) if packages else next(iter(folders(spec)), None)


def _attribute(module: ModuleType, path: Sequence[str], reference: str) -> Function:
    found: Any = module
    for word in path:
        try:
            found = getattr(found, word)
        except AttributeError:
            hint = did_you_mean(word, [known for known in dir(found) if not known.startswith("_")])
            raise InputError(f"'{module.__name__}' has no '{word}'{hint}", _KEY) from None
        except Exception as error:
            raise InputError(f"'{reference}' cannot be imported: {_words(error)}", _KEY) from error
        if isinstance(found, ModuleType):
            message = f"'{word}' in '{reference}' is a module: write it before the colon, '{found.__name__}:function'"
            raise InputError(message, _KEY)
    if not callable(found):
        raise InputError(f"'{reference}' is of type {type(found).__name__}, not a function", _KEY)
    kinds = (FunctionType, BuiltinFunctionType, type)
    if isinstance(found, kinds) and str(found.__module__).partition(".")[0] in sys.stdlib_module_names:
        raise InputError(f"'{reference}' is a part of Python, not a function to descend", _KEY)
    function: Function = found
    return function


# Calling


class _Call(NamedTuple):
    """A user's function as called with one tensor of points (…, dim)."""

    user: Function
    function: Callable[[Tensor], Any]

    def __call__(self, points: Tensor) -> Any:
        """Call the function, and tell its exceptions in one line."""
        try:
            return self.function(points)
        except Exception as error:
            place = _place(error, _home(self.user))
            raise InputError(f"{_name(self.user)} fails{place}: {_reason(self.user, error)}", _KEY) from error


def _checked(user: Function, value: Any, shape: tuple[int, ...]) -> Tensor:
    """Insist on a real tensor of a shape; it comes back as float64."""
    import torch

    if not isinstance(value, torch.Tensor):
        told = "nothing" if value is None else f"a {type(value).__name__}"
        raise InputError(f"{_name(user)} returns {told}, not a tensor", _KEY)
    if not value.dtype.is_floating_point:
        kind = "complex" if value.dtype.is_complex else "integer"
        raise InputError(f"{_name(user)} returns {kind} numbers ({value.dtype}), not real ones", _KEY)
    if value.shape != shape:
        message = f"returns a tensor of shape {tuple(value.shape)}, not one number for a point; sum it up?"
        raise InputError(f"{_name(user)} {message}", _KEY)
    return value.to(torch.float64)


def _by_batch(call: _Call, points: Tensor) -> Tensor:
    """Call a function once for points (n, dim)."""
    import torch

    missing = -len(points) % _ROWS
    # Points that nobody asked for must not add to the gradient of the one that they repeat.
    filling = points[-1:].detach().expand(missing, -1)
    filled = torch.cat([points, filling])
    return _checked(call.user, call(filled), (len(filled),))[: len(points)]


def _by_loop(call: _Call, rows: bool, points: Tensor) -> Tensor:
    """Call a function for each of the points (n, dim), given as (1, dim) when it wants rows."""
    import torch

    return torch.stack([_one(call, point.clone(), rows) for point in points])


def _one(call: _Call, point: Tensor, rows: bool) -> Tensor:
    """Call a function for a point; where it returns a constant, the gradient is 0 and not missing."""
    value = call(point.unsqueeze(0) if rows else point)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = point.new_tensor(float(value))
    checked = _checked(call.user, value, (1,) if rows else ()).reshape(())
    return checked if checked.requires_grad else checked + 0 * point.sum()


def _shaped(f: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Give points (…, dim) to a function of points (n, dim)."""
    if not points.numel():
        return points.sum(-1)
    return f(points.reshape(-1, points.shape[-1])).reshape(points.shape[:-1])


def _calls(function: Function, dim: int) -> Iterator[_Call]:
    """Yield the ways in which a function may take a point."""
    fewest, most = _arguments(function)
    if fewest <= 1 <= most:
        yield _Call(function, lambda points: function(points))
    if fewest == dim or most == math.inf:
        yield _Call(function, lambda points: function(*points.unbind(-1)))


def _arguments(function: Function) -> tuple[int, float]:
    """Return how many arguments by position a function wants at least, and takes at most."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1, 1
    positional = [each for each in parameters if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}]
    takes_any = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    return sum(each.default is each.empty for each in positional), math.inf if takes_any else len(positional)


# Trying


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep a function's warnings and random numbers to the trial, and want its gradients."""
    import torch

    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), torch.enable_grad():
        warnings.simplefilter("ignore")
        yield


def _probes(bounds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return points (n, dim) within the bounds that no formula has in mind."""
    shares = np.random.default_rng(271828).uniform(0.06, 0.94, (_PROBES, len(bounds)))
    low, high = bounds.T
    points: npt.NDArray[np.float64] = low + shares * (high - low)
    return points


def _understood(function: Function, points: Tensor) -> tuple[_Call, Callable[[Tensor], Tensor]]:
    """Find how a function takes single points."""
    dim = points.shape[-1]
    failures: list[InputError] = []
    for call in _calls(function, dim):
        for rows in (False, True):
            f = partial(_by_loop, call, rows)
            try:
                f(points.clone().requires_grad_())
            except InputError as failure:
                failures.append(failure)
            else:
                return call, f
    if not failures:
        wanted = "one argument, the point" if dim == 1 else f"one argument, the point, or {dim}, its coordinates"
        raise InputError(f"{_name(function)} must take {wanted}; it takes {_arguments(function)[0]}", _KEY)
    alone, batched = failures[:2]
    # Whoever writes p[:, 0] means a batch, and wants to know what is wrong with that.
    if isinstance(alone.__cause__, IndexError) and str(alone) != str(batched):
        raise InputError(f"given a point, {alone}; given a batch, {batched}", _KEY)
    raise alone


def _fits(function: Function, point: Tensor) -> bool:
    try:
        _understood(function, point.unsqueeze(0))
    except InputError:
        return False
    return True


class _Evaluated(NamedTuple):
    values: Tensor
    gradients: Tensor


def _evaluated(f: Callable[[Tensor], Tensor], points: Tensor) -> _Evaluated:
    import torch

    inputs = points.clone().requires_grad_()
    values = f(inputs)
    (gradients,) = torch.autograd.grad(values.sum(), inputs, materialize_grads=True, allow_unused=True)
    return _Evaluated(values.detach(), gradients)


def _agrees(f: Callable[[Tensor], Tensor], points: Tensor, truth: _Evaluated) -> bool:
    """Return whether a form gives the values and gradients of single points, but for rounding."""
    import torch

    epsilon = _epsilon(truth.values)
    try:
        tried = _evaluated(f, points)
    except (InputError, RuntimeError):
        return False
    return all(
        torch.allclose(mine, wanted, math.sqrt(epsilon), 100 * epsilon * _largest(wanted), equal_nan=True)
        for mine, wanted in zip(tried, truth, strict=True)
    )


def _largest(tensor: Tensor) -> float:
    return float(tensor.nan_to_num(0, 0, 0).abs().max())


def _epsilon(values: Tensor) -> float:
    import torch

    return torch.finfo(torch.float32 if _is_single(values) else torch.float64).eps


def _is_single(values: Tensor) -> bool:
    """Return whether values have been through float32."""
    return bool(((values.float().double() == values) | ~values.isfinite()).all())


def _check_values(function: Function, f: Callable[[Tensor], Tensor], points: Tensor, truth: _Evaluated) -> None:
    import torch

    where = f"at all of {len(points)} points within the bounds, such as {_told(points[0])}"
    if not truth.values.isfinite().any():
        raise InputError(f"{_name(function)} is NaN or infinite {where}", _KEY)
    if not truth.gradients.isfinite().all(-1).any():
        raise InputError(f"the gradient of {_name(function)} is NaN or infinite {where}", _KEY)
    if not torch.equal(truth.values.nan_to_num(), f(points).nan_to_num()):
        raise InputError(f"{_name(function)} gives another value when it is called again at the same point", _KEY)


def _check_gradient(
    function: Function, call: _Call, f: Callable[[Tensor], Tensor], points: Tensor, truth: _Evaluated
) -> None:
    """Hold the gradient against central differences, each along a direction that no coordinate has to itself."""
    if not truth.gradients.any():
        _check_attached(function, call, points)
    epsilon = _epsilon(truth.values)
    width = points.amax(0) - points.amin(0)
    directions = width * points.new_tensor(_directions(*points.shape))
    slopes, sizes = (truth.gradients * directions).sum(-1), (truth.gradients * directions).abs().sum(-1)
    agree = ~(truth.values.isfinite() & slopes.isfinite())
    for share in (10, 1, 0.1):
        step = share * epsilon ** (1 / 3)
        ahead, behind = f(points + step * directions).detach(), f(points - step * directions).detach()
        differences = (ahead - behind) / (2 * step)
        rounding = 8 * epsilon * (ahead.abs() + behind.abs()) / step
        agree |= (slopes - differences).abs() <= 2 * epsilon ** (1 / 3) * (sizes + differences.abs()) + rounding
    if not agree.all():
        worst = int((~agree).nonzero()[0])
        numbers = f"autograd gives the slope {slopes[worst]:.6g} and a central difference {differences[worst]:.6g}"
        message = f"{_name(function)} loses a part of its gradient: at {_told(points[worst])} {numbers}"
        raise InputError(message + _hint(function), _KEY)


def _directions(number: int, dim: int) -> npt.NDArray[np.float64]:
    generator = np.random.default_rng(314159)
    signs = generator.choice([-1.0, 1.0], (number, dim))
    directions: npt.NDArray[np.float64] = signs * generator.uniform(0.4, 1, (number, dim))
    return directions


def _check_attached(function: Function, call: _Call, points: Tensor) -> None:
    """Refuse a function none of whose values hangs on its point."""
    for shaped in (points[0], points[:1]):
        try:
            value = call(shaped.clone().requires_grad_())
        except InputError:
            continue
        if not getattr(value, "requires_grad", False):
            told = "a tensor without one" if hasattr(value, "dtype") else f"a {type(value).__name__}"
            raise InputError(f"{_name(function)} has no gradient: it returns {told}{_hint(function)}", _KEY)
        return


# Telling


def _name(function: Function) -> str:
    name = str(getattr(function, "__name__", ""))
    return name if name and name != "<lambda>" else "the function"


def _told(point: Tensor) -> str:
    shown = [f"{number:.4g}" for number in point[:4].tolist()]
    return f"({', '.join([*shown, '…'] if len(point) > 4 else shown)})"


def _words(error: BaseException) -> str:
    lines = str(error.msg if isinstance(error, SyntaxError) else error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__


def _place(error: BaseException, home: Path | None) -> str:
    """Return " at file:line" for the innermost line of the user's own that an exception has passed."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" at {Path(error.filename).name}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if home is not None and _is_own(Path(frame.filename), home)]
    return f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""


def _is_own(file: Path, home: Path) -> bool:
    inside = file.is_relative_to(home) and file != Path(__file__)
    return inside and not any(part.endswith("-packages") for part in file.relative_to(home).parts)


def _plain(function: Function) -> FunctionType | None:
    """Return the function of Python behind a callable, if there is one."""
    found: Any = function
    while isinstance(found, partial):
        found = found.func
    found = inspect.unwrap(found)
    for candidate in (found, getattr(found, "forward", None), inspect.getattr_static(found, "__call__", None)):
        candidate = getattr(candidate, "__func__", candidate)
        if isinstance(candidate, FunctionType):
            return candidate
    return None


def _home(function: Function) -> Path | None:
    plain = _plain(function)
    return None if plain is None else Path(plain.__code__.co_filename).parent


def _reason(function: Function, error: Exception) -> str:
    words = _words(error)
    if "Can't call numpy()" in words:  # torch advises .detach(), which would lose the gradient
        return f"NumPy knows no gradients{_hint(function)}"
    return f"{words}; points are float64" if "dtype" in words or "scalar type" in words else words


def _hint(function: Function) -> str:
    """Return what to use in place of whatever takes a function's numbers out of torch."""
    plain = _plain(function)
    if plain is not None:
        for node in _calls_within(plain):
            if culprit := _outside_torch(node, plain.__globals__):
                return f"; line {node.lineno} leaves torch by {culprit}"
    return "; use torch's functions (torch.sin for math.sin), and no .item(), .detach(), torch.no_grad() or NumPy"


def _calls_within(plain: FunctionType) -> list[ast.Call]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(plain)))
    except (OSError, SyntaxError, TypeError):
        return []
    ast.increment_lineno(tree, plain.__code__.co_firstlineno - 1)
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


_WAYS_OUT = {
    "detach": "keep the tensor as it is",
    "item": "keep the tensor as it is",
    "no_grad": "leave it away",
    "numpy": "keep the tensor as it is",
    "tensor": "use torch.stack",
    "tolist": "keep the tensor as it is",
}


def _outside_torch(node: ast.Call, names: dict[str, Any]) -> str:
    """Return what is wrong with a call, if it takes its numbers out of torch."""
    import torch

    written, word = ast.unparse(node.func), ast.unparse(node.func).rpartition(".")[2]
    base = node.func.value if isinstance(node.func, ast.Attribute) else node.func
    known = names.get(base.id) if isinstance(base, ast.Name) else None
    module = str(getattr(known, "__name__" if isinstance(known, ModuleType) else "__module__", ""))
    if module.partition(".")[0] in {"math", "numpy"} or isinstance(known, np.ufunc):
        return f"{written}: use torch{'.' + word if hasattr(torch, word) else ' throughout'}"
    if isinstance(node.func, ast.Attribute) and word in _WAYS_OUT:
        return f"{'torch' if known is torch else ''}.{word}(): {_WAYS_OUT[word]}"
    return "float(): keep the tensor as it is" if written == "float" else ""
