"""Each in a process of its own: what is imported stays so."""

import gc
import subprocess
import sys

import pytest

from cartoonedit.imports import quick_imports

AFTER = """
import gc, sys
from cartoonedit.imports import quick_imports
with quick_imports():
    import scipy.spatial
    assert not gc.isenabled()
import numpy
assert gc.isenabled()
assert "numpy.f2py.crackfortran" not in sys.modules
"""


@pytest.mark.parametrize(
    "use",
    [
        "assert not hasattr(numpy.f2py, 'nothing'); assert numpy.f2py.get_include()",
        "from numpy import *; assert f2py.crackfortran.crackfortran",
        "import numpy.f2py; assert numpy.f2py is sys.modules['numpy.f2py']",
        "quick_imports().__enter__(); from numpy.f2py import get_include; assert get_include()",
    ],
)
def test_f2py_is_there_when_it_is_used(use):
    subprocess.run([sys.executable, "-W", "error", "-c", AFTER + use], check=True)


def test_threads():
    use = """
import sys, threading
sys.setswitchinterval(1e-6)
from cartoonedit.imports import quick_imports
failed, together = [], threading.Barrier(8)
def run():
    try:
        together.wait()
        with quick_imports():
            import scipy.spatial
        import numpy
        assert numpy.f2py.get_include()
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=run) for _ in range(8)]
for each in threads: each.start()
for each in threads: each.join()
assert not failed, failed
"""
    subprocess.run([sys.executable, "-c", use], check=True)


def test_f2py_that_is_loaded_stays():
    use = "import numpy.f2py as one\n" + AFTER.replace("not in", "in")
    subprocess.run([sys.executable, "-c", use + "assert numpy.f2py is one"], check=True)


def test_who_does_not_collect_garbage_goes_on_so():
    gc.disable()
    try:
        with quick_imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_garbage_is_collected_after_a_failed_import():
    with pytest.raises(ImportError), quick_imports():
        raise ImportError
    assert gc.isenabled()
