# One file for every image: `docker build --target operator .` or `buildah build --target operator .`
# Only Debian and the package index are asked; an index of your own is given as the secret `pip.conf`.
ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${BASE_IMAGE} AS base
# The user is made here, so that every layer above knows it; 65532 is what restricted Pod Security expects of us.
RUN if ! python3 -c 'import venv, ensurepip'; then \
        apt-get update \
        && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
        && rm -rf /var/lib/apt/lists/*; \
    fi \
    && groupadd --gid 65532 kozutumi \
    && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin kozutumi
ENV PATH=/opt/kozutumi/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1

# Wheels only (no compiler exists here), each by its hash. pip itself does not stay.
FROM base AS operator-dependencies
COPY requirements/operator.txt /requirements.txt
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m venv /opt/kozutumi \
    && pip install --no-cache-dir --require-hashes --no-deps --only-binary :all: -r /requirements.txt \
    && pip uninstall --yes setuptools pip

FROM base AS app-dependencies
COPY requirements/app.txt /requirements.txt
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m venv /opt/kozutumi \
    && pip install --no-cache-dir --require-hashes --no-deps --only-binary :all: -r /requirements.txt \
    && pip uninstall --yes setuptools pip

FROM base AS scanner-dependencies
COPY requirements/scanner.txt /requirements.txt
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m venv /opt/kozutumi \
    && pip install --no-cache-dir --require-hashes --no-deps --only-binary :all: -r /requirements.txt \
    && pip uninstall --yes setuptools pip

FROM base AS build-tools
COPY requirements/build.txt /requirements.txt
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --require-hashes --no-deps --only-binary :all: -r /requirements.txt

# The wheel is built once; each image takes from it only the packages it runs.
FROM build-tools AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY contract contract
COPY operator operator
COPY tenant_app tenant_app
RUN /opt/build/bin/python -m hatchling build -t wheel -d /tmp/wheel \
    && /opt/build/bin/python -m zipfile -e /tmp/wheel/*.whl /wheel \
    && mv /wheel/kozutumi-*.dist-info /wheel/kozutumi.dist-info \
    && /opt/build/bin/python -m compileall -q --invalidation-mode unchecked-hash /wheel

FROM base AS operator
COPY --from=operator-dependencies /opt/kozutumi /opt/kozutumi
COPY --from=wheel /wheel/kozutumi.dist-info /opt/kozutumi/lib/python3.11/site-packages/kozutumi.dist-info
COPY --from=wheel /wheel/kozutumi_contract /opt/kozutumi/lib/python3.11/site-packages/kozutumi_contract
COPY --from=wheel /wheel/kozutumi_operator /opt/kozutumi/lib/python3.11/site-packages/kozutumi_operator
USER 65532:65532
ENTRYPOINT ["python", "-m", "kozutumi_operator"]

FROM base AS app
COPY --from=app-dependencies /opt/kozutumi /opt/kozutumi
COPY --from=wheel /wheel/kozutumi.dist-info /opt/kozutumi/lib/python3.11/site-packages/kozutumi.dist-info
COPY --from=wheel /wheel/kozutumi_contract /opt/kozutumi/lib/python3.11/site-packages/kozutumi_contract
COPY --from=wheel /wheel/kozutumi_app /opt/kozutumi/lib/python3.11/site-packages/kozutumi_app
# Segments are large and short-lived: without these, glibc keeps what many threads have freed.
ENV MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072
USER 65532:65532
ENTRYPOINT ["python", "-m", "kozutumi_app"]

# Debian's ClamAV, without a database: signatures come from the mirror only.
FROM base AS scanner
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends clamav-daemon clamav-freshclam \
    && rm -rf /var/lib/apt/lists/* /var/lib/clamav/* /etc/clamav/* /var/log/clamav
COPY tenant_app/kozutumi_scanner/clamd.conf /etc/clamav/clamd.conf
COPY --from=scanner-dependencies /opt/kozutumi /opt/kozutumi
COPY --from=wheel /wheel/kozutumi.dist-info /opt/kozutumi/lib/python3.11/site-packages/kozutumi.dist-info
COPY --from=wheel /wheel/kozutumi_contract /opt/kozutumi/lib/python3.11/site-packages/kozutumi_contract
COPY --from=wheel /wheel/kozutumi_scanner /opt/kozutumi/lib/python3.11/site-packages/kozutumi_scanner
USER 65532:65532

FROM scanner AS mirror
ENTRYPOINT ["python", "-m", "kozutumi_scanner", "mirror"]
