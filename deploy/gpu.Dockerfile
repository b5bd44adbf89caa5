# The server for machines with an NVIDIA GPU. In the root of the repository:
#     docker build -f deploy/gpu.Dockerfile -t temper:0.3.0-gpu .
# A plan loads in the release of TensorRT that built it. This image has TensorRT 11.1: build plans in it, or choose the
# release of the image by the TensorRT that built them.
ARG TENSORRT_IMAGE=nvcr.io/nvidia/tensorrt:26.07-py3

FROM ${TENSORRT_IMAGE} AS wheel
WORKDIR /source
RUN pip install --no-cache-dir build==1.2.2 hatchling==1.27.0
COPY pyproject.toml LICENSE CHANGELOG.md ./
COPY docs/library.md docs/
COPY temper temper
RUN python3 -m build --wheel --no-isolation --outdir /dist

FROM ${TENSORRT_IMAGE}
# TensorRT's Python module is part of the image: the extra [tensorrt] would install a second one.
COPY deploy/gpu.lock /tmp/packages.lock
RUN --mount=type=bind,from=wheel,source=/dist,target=/dist \
    pip install --no-cache-dir --require-hashes -r /tmp/packages.lock \
    && pip install --no-cache-dir --no-deps /dist/*.whl
# A volume that is mounted at the folder of the cache gets its owner; without the folder, it would belong to root.
RUN useradd --uid 10001 --create-home temper \
    && install --directory --owner=temper --group=temper --mode=0700 /home/temper/.cache
USER 10001
ENV XDG_CACHE_HOME=/home/temper/.cache PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=120s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/v2/health/ready', timeout=2)"]
ENTRYPOINT ["temper", "serve", "--host", "0.0.0.0"]
CMD ["/models"]
