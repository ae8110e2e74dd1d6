# The image of the agent: the bundle, the pull verifier that it installs, and the few programs of Debian that it starts.
#
# Usage: docker buildx build --platform linux/amd64,linux/arm64 .      (hack/image/build needs no engine)
#
# Nothing is run on the target's architecture, so that one machine builds for all. The base brings Node 24 and glibc;
# it has to be of the same Debian release as BUILD_BASE, whose packages the programs come from.
ARG BUILD_BASE=docker.io/library/node:24-trixie-slim
ARG BASE=gcr.io/distroless/nodejs24-debian13:latest

FROM --platform=${BUILDPLATFORM} ${BUILD_BASE} AS build
ARG TARGETARCH
WORKDIR /src
COPY hack/image hack/image
RUN hack/image/programs "${TARGETARCH}" /rootfs
COPY package.json package-lock.json .npmrc LICENSE ./
COPY agent agent
COPY hack/build.ts hack/slim-packages.ts hack/
COPY hack/release hack/release
RUN hack/image/bundle "${TARGETARCH}" /rootfs

# The platform is the default's; older buildah would take that of the stage before.
FROM --platform=${TARGETPLATFORM} ${BASE}
ARG VERSION
ARG REVISION
ARG CREATED
ARG SOURCE=https://github.com/nodeseal/nodeseal
LABEL org.opencontainers.image.title="nodeseal" \
      org.opencontainers.image.description="Makes every Kubernetes node refuse container images that are not signed as the policy says, and proves that it does" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=build /rootfs/ /
# One arena of malloc, because memory that threads free is else never given back; blocks of 16 KiB and more mapped one
# by one, because those in an arena stay between what is still used; and one thread of V8's own, which has one for each
# core if told 0.
ENV PATH=/nodejs/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    MALLOC_ARENA_MAX=1 \
    MALLOC_MMAP_THRESHOLD_=16384 \
    NODE_OPTIONS="--v8-pool-size=1 --disable-warning=ExperimentalWarning" \
    NODESEAL_HOST_ROOT=/host \
    NODESEAL_VERIFIER=/usr/lib/nodeseal/nodeseal-verifier
# Files of the host are root's.
USER 0:0
WORKDIR /
ENTRYPOINT ["tini", "--", "nodeseal"]
CMD ["run"]
EXPOSE 9464/tcp
