# The server for machines without a GPU. In the root of the repository:
#     docker build -f deploy/cpu.Dockerfile -t temper:0.3.0-cpu .
# RUNTIME: onnx or openvino.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS wheel
WORKDIR /source
RUN pip install --no-cache-dir build==1.2.2 hatchling==1.27.0
COPY pyproject.toml LICENSE CHANGELOG.md ./
COPY docs/library.md docs/
COPY temper temper
RUN python -m build --wheel --no-isolation --outdir /dist

FROM ${PYTHON_IMAGE}
ARG RUNTIME=onnx
COPY deploy/${RUNTIME}.lock /tmp/packages.lock
RUN --mount=type=bind,from=wheel,source=/dist,target=/dist \
    pip install --no-cache-dir --require-hashes -r /tmp/packages.lock \
    && pip install --no-cache-dir --no-deps /dist/*.whl
# A volume that is mounted at the folder of the cache gets its owner; without the folder, it would belong to root.
RUN useradd --uid 10001 --create-home temper \
    && install --directory --owner=temper --group=temper --mode=0700 /home/temper/.cache
USER 10001
# What runtimes prepare once is stored here: mount a volume for a faster second start.
ENV XDG_CACHE_HOME=/home/temper/.cache PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/v2/health/ready', timeout=2)"]
ENTRYPOINT ["temper", "serve", "--host", "0.0.0.0"]
# A folder of artifacts: the best one that runs here is served.
CMD ["/models"]
