# Firsthand in a container: nothing but the interpreter, the locked dependencies and the package.
#   docker build -t firsthand .
#   docker run --rm firsthand demo
# The root filesystem may be read-only: what is written goes to /var/lib/firsthand/var (a volume) and /tmp (a tmpfs).

FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
# First what changes seldom: the layer with the dependencies stays while only code changes. What runs has no pip.
COPY requirements/build.txt requirements/translations.txt requirements/
RUN python -m venv --without-pip /opt/build \
    && pip --python /opt/build/bin/python install --no-deps --require-hashes -r requirements/build.txt \
    && python -m venv --without-pip /opt/firsthand \
    && pip --python /opt/firsthand/bin/python install --no-deps --no-compile --require-hashes \
        -r requirements/translations.txt \
    && python -m compileall -q -j 0 /opt/firsthand/lib
COPY pyproject.toml README.md LICENSE ./
COPY crawler crawler
RUN pip --python /opt/build/bin/python wheel --no-deps --no-build-isolation --no-index --wheel-dir /tmp/dist . \
    && pip --python /opt/firsthand/bin/python install --no-deps --no-index /tmp/dist/*.whl \
    && pip --python /opt/firsthand/bin/python check

FROM python:3.12-slim
RUN groupadd --system --gid 10001 firsthand \
    && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/firsthand --shell /usr/sbin/nologin firsthand \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/firsthand /var/lib/firsthand/var
COPY --from=build /opt/firsthand /opt/firsthand
COPY --chmod=0755 config/with-secrets /usr/local/bin/with-secrets
COPY config/firsthand.yaml /etc/firsthand/firsthand.yaml
ENV PATH=/opt/firsthand/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FIRSTHAND_CONFIG=/etc/firsthand/firsthand.yaml
# What is relative in the configuration (store, state_dir) counts from here.
WORKDIR /var/lib/firsthand
VOLUME /var/lib/firsthand/var
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s --retries=3 CMD ["with-secrets", "firsthand", "status"]
ENTRYPOINT ["with-secrets", "firsthand"]
CMD ["--log-format", "json", "run"]
