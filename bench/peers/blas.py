"""Which library multiplies for PyTorch: one without vectors or blocks would be timed as if it were PyTorch, at a twentieth of its speed."""
import ctypes

import torch

# A function that only this library has.
FAST = {
    "OpenBLAS": "openblas_get_config",
    "MKL": "MKL_Get_Version",
    "BLIS": "bli_info_get_version_str",
    "ATLAS": "ATL_buildinfo",
}


class Symbol(ctypes.Structure):
    """What dladdr tells: the file, where it begins, the symbol, where that is."""

    _fields_ = [("file", ctypes.c_char_p), ("start", ctypes.c_void_p), ("name", ctypes.c_char_p), ("at", ctypes.c_void_p)]


def file_of_products():
    """The library whose sgemm PyTorch calls, found in the loader's own order; None where PyTorch brings one and hides it."""
    for library in (None, torch._C.__file__):  # what was loaded for the whole process goes before PyTorch's own
        sgemm = getattr(ctypes.CDLL(library), "sgemm_", None)
        if sgemm is not None:
            symbol = Symbol()
            ctypes.CDLL(None).dladdr(ctypes.cast(sgemm, ctypes.c_void_p), ctypes.byref(symbol))
            return symbol.file.decode()
    return None


def require_fast_blas():
    """Ends the program where PyTorch's products come from a library that is not known to be fast."""
    file = file_of_products()
    if torch.backends.mkl.is_available() or (file is not None and "Accelerate" in file):
        return
    if file is None or not any(hasattr(ctypes.CDLL(file), name) for name in FAST.values()):
        known = ", ".join(FAST)
        raise SystemExit(f"error: Cannot time PyTorch: {file or 'an unknown library'} multiplies for it, which is none of {known}")
