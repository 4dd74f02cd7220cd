"""Names of wheels that people publish and download, and where each can be installed.

The first table has the 53 prebuilt wheels that the lists of a large image name by url (49 names: two of them are published in
three places). The second one has the examples of PEP 425, 427, 491, 600 and 656. Columns: file, normalised name, version, and the
Pythons that it is for on x86_64 Linux with glibc 2.39, of 3.11, 3.12, 3.13, 3.14 and 3.14t: by name, `gil` for all but 3.14t,
`all`, or `none`. Nothing of it was made by the code that it tests. C++ reads the same file (plugins/pypi/vectors_test.cc).
"""

visibility("//tests/wheels/...")

PUBLISHED = """
cupy-14.0.0rc1-cp314-cp314t-linux_x86_64.whl cupy 14.0.0rc1 3.14t
cupy_cuda13x-14.0.0rc1-cp314-cp314-manylinux2014_x86_64.whl cupy-cuda13x 14.0.0rc1 3.14
diff_gaussian_rasterization-0.0.0-cp311-cp311-linux_x86_64.whl diff-gaussian-rasterization 0.0.0 3.11
diff_gaussian_rasterization-0.0.0-cp312-cp312-linux_x86_64.whl diff-gaussian-rasterization 0.0.0 3.12
fastvideo_kernel-0.2.6-cp313-cp313-linux_x86_64.whl fastvideo-kernel 0.2.6 3.13
flash_attn-2.8.2+cu128torch2.8-cp312-cp312-linux_x86_64.whl flash-attn 2.8.2+cu128torch2.8 3.12
flash_attn-2.8.2-cp313-cp313-linux_x86_64.whl flash-attn 2.8.2 3.13
flash_attn-2.8.2-cp314-cp314-linux_x86_64.whl flash-attn 2.8.2 3.14
flash_attn-2.8.3+cu126torch2.9-cp312-cp312-linux_x86_64.whl flash-attn 2.8.3+cu126torch2.9 3.12
flash_attn-2.8.3+cu128torch2.10-cp312-cp312-linux_x86_64.whl flash-attn 2.8.3+cu128torch2.10 3.12
flash_attn-2.8.3+cu128torch2.11-cp312-cp312-linux_x86_64.whl flash-attn 2.8.3+cu128torch2.11 3.12
flash_attn-2.8.3+cu128torch2.9-cp312-cp312-linux_x86_64.whl flash-attn 2.8.3+cu128torch2.9 3.12
flash_attn-2.8.3+cu130torch2.11-cp313-cp313-linux_x86_64.whl flash-attn 2.8.3+cu130torch2.11 3.13
flash_attn_3-3.0.0+cu130torch2.11gite2743ab-cp39-abi3-linux_x86_64.whl flash-attn-3 3.0.0+cu130torch2.11gite2743ab gil
kiui-0.2.14-py3-none-any.whl kiui 0.2.14 all
kiui-0.2.7-py3-none-any.whl kiui 0.2.7 all
llama_cpp_python-0.3.18-cp312-cp312-linux_x86_64.whl llama-cpp-python 0.3.18 3.12
llama_cpp_python-0.3.34+cu128.basic-cp312-cp312-linux_x86_64.whl llama-cpp-python 0.3.34+cu128.basic 3.12
llama_cpp_python-0.3.38+cu130.basic-cp313-cp313-linux_x86_64.whl llama-cpp-python 0.3.38+cu130.basic 3.13
llvmlite-0.44.0+0.g2c67a6b8.dirty-cp314-cp314t-linux_x86_64.whl llvmlite 0.44.0+0.g2c67a6b8.dirty 3.14t
nunchaku-0.3.1+torch2.6-cp312-cp312-linux_x86_64.whl nunchaku 0.3.1+torch2.6 3.12
nunchaku-1.0.0+torch2.8-cp312-cp312-linux_x86_64.whl nunchaku 1.0.0+torch2.8 3.12
nunchaku-1.0.2+torch2.10-cp313-cp313-linux_x86_64.whl nunchaku 1.0.2+torch2.10 3.13
nunchaku-1.0.2+torch2.10-cp314-cp314-linux_x86_64.whl nunchaku 1.0.2+torch2.10 3.14
nunchaku-1.0.2+torch2.8-cp312-cp312-linux_x86_64.whl nunchaku 1.0.2+torch2.8 3.12
nunchaku-1.0.2+torch2.9-cp312-cp312-linux_x86_64.whl nunchaku 1.0.2+torch2.9 3.12
nunchaku-1.2.0+torch2.8-cp312-cp312-linux_x86_64.whl nunchaku 1.2.0+torch2.8 3.12
nunchaku-1.2.1+cu12.8torch2.10-cp312-cp312-linux_x86_64.whl nunchaku 1.2.1+cu12.8torch2.10 3.12
nunchaku-1.2.1+cu12.8torch2.11-cp312-cp312-linux_x86_64.whl nunchaku 1.2.1+cu12.8torch2.11 3.12
nunchaku-1.2.1+cu12.8torch2.8-cp312-cp312-linux_x86_64.whl nunchaku 1.2.1+cu12.8torch2.8 3.12
nunchaku-1.2.1+cu12.8torch2.9-cp312-cp312-linux_x86_64.whl nunchaku 1.2.1+cu12.8torch2.9 3.12
nunchaku-1.2.1+cu13.0torch2.11-cp313-cp313-linux_x86_64.whl nunchaku 1.2.1+cu13.0torch2.11 3.13
nvdiffrast-0.3.1-py3-none-any.whl nvdiffrast 0.3.1 all
nvdiffrast-0.3.3-py3-none-any.whl nvdiffrast 0.3.3 all
pointnet2_ops-3.0.0-cp311-cp311-linux_x86_64.whl pointnet2-ops 3.0.0 3.11
pointnet2_ops-3.0.0-cp312-cp312-linux_x86_64.whl pointnet2-ops 3.0.0 3.12
pytorch3d-0.7.6-cp311-cp311-linux_x86_64.whl pytorch3d 0.7.6 3.11
pytorch3d-0.7.8-cp312-cp312-linux_x86_64.whl pytorch3d 0.7.8 3.12
sageattention-2.2.0+cu130torch2.10.0-cp313-cp313-linux_x86_64.whl sageattention 2.2.0+cu130torch2.10.0 3.13
sageattention-2.2.0+cu130torch2.10.0-cp314-cp314-linux_x86_64.whl sageattention 2.2.0+cu130torch2.10.0 3.14
sageattention-2.2.0-cp312-cp312-linux_x86_64.whl sageattention 2.2.0 3.12
sageattention-2.2.0-cp313-cp313-linux_x86_64.whl sageattention 2.2.0 3.13
sageattn3-1.0.0-cp313-cp313-linux_x86_64.whl sageattn3 1.0.0 3.13
simple_knn-0.0.0-cp311-cp311-linux_x86_64.whl simple-knn 0.0.0 3.11
simple_knn-0.0.0-cp312-cp312-linux_x86_64.whl simple-knn 0.0.0 3.12
spas_sage_attn-0.1.0-cp312-cp312-linux_x86_64.whl spas-sage-attn 0.1.0 3.12
spas_sage_attn-0.1.0-cp313-cp313-linux_x86_64.whl spas-sage-attn 0.1.0 3.13
torch_scatter-2.1.2-cp311-cp311-linux_x86_64.whl torch-scatter 2.1.2 3.11
torchmcubes-0.1.0-cp311-cp311-linux_x86_64.whl torchmcubes 0.1.0 3.11
"""

# PEP 425: a tag of a younger Python does not fit, one of an older py3X does. PEP 427: build tags. PEP 600: the old names
# of platforms; a glibc that is too new. PEP 656: musl is another system.
SPECIFIED = """
distribution-1.0-1-py27-none-any.whl distribution 1.0 none
beaglevote-1.2.0-py2.py3-none-any.whl beaglevote 1.2.0 all
beaglevote-1.2.0-py33-none-any.whl beaglevote 1.2.0 all
beaglevote-1.2.0-py315-none-any.whl beaglevote 1.2.0 none
beaglevote-1.2.0-cp33-cp33m-linux_x86_64.whl beaglevote 1.2.0 none
beaglevote-1.2.0-cp33-abi3-linux_x86_64.whl beaglevote 1.2.0 gil
beaglevote-1.2.0-cp312-none-linux_x86_64.whl beaglevote 1.2.0 3.12
beaglevote-1.2.0-cp312-none-any.whl beaglevote 1.2.0 3.12
beaglevote-1.2.0-py33-none-linux_x86_64.whl beaglevote 1.2.0 all
beaglevote-1.2.0-pp310-pypy310_pp73-linux_x86_64.whl beaglevote 1.2.0 none
pip-18.0-py2.py3-none-any.whl pip 18.0 all
holygrail-3-3.11-py3-none-any.whl holygrail 3 all
package-1.0-cp312-cp312-manylinux1_x86_64.whl package 1.0 3.12
package-1.0-cp312-cp312-manylinux2010_x86_64.whl package 1.0 3.12
package-1.0-cp312-cp312-manylinux2014_x86_64.whl package 1.0 3.12
package-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl package 1.0 3.12
package-1.0-cp312-cp312-manylinux_2_39_x86_64.whl package 1.0 3.12
package-1.0-cp312-cp312-manylinux_2_40_x86_64.whl package 1.0 none
package-1.0-cp312-cp312-manylinux_2_17_aarch64.whl package 1.0 none
package-1.0-cp312-cp312-musllinux_1_1_x86_64.whl package 1.0 none
package-1.0-cp312-cp312-win_amd64.whl package 1.0 none
package-1.0-cp312-cp312-macosx_11_0_arm64.whl package 1.0 none
package-1.0-cp313-cp313t-linux_x86_64.whl package 1.0 none
"""
