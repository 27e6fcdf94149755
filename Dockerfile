# One image for every service: the arguments name those that run in it.
#
#   docker build -t weir .
#   docker run weir source --nats-url=nats://nats:4222
# By digest for a build that nobody can change: docs/install.md, "Images by digest".
ARG NODE_IMAGE=node:24-alpine
ARG GO_IMAGE=golang:1.26-alpine

# Kustomize and its kin exist in Go only: a static binary that the services keep alive.
FROM ${GO_IMAGE} AS engine
WORKDIR /src/engine
COPY libs/render/wire ../wire
COPY libs/render/engine/go.mod libs/render/engine/go.sum ./
RUN go mod download
COPY libs/render/engine ./
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /weir-engine .

# Verifies signatures: started only where a source asks for that.
FROM ${GO_IMAGE} AS verifier
WORKDIR /src/verifier
COPY libs/render/wire ../wire
COPY libs/render/verifier/go.mod libs/render/verifier/go.sum ./
RUN go mod download
COPY libs/render/verifier ./
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /weir-verifier .

# Decrypts what SOPS encrypted: one process for each build that needs it.
FROM ${GO_IMAGE} AS decryptor
WORKDIR /src/decryptor
COPY libs/render/wire ../wire
COPY libs/render/decryptor/go.mod libs/render/decryptor/go.sum ./
RUN go mod download
COPY libs/render/decryptor ./
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /weir-decryptor .

# The packages that run, without what only develops and tests them.
FROM ${NODE_IMAGE} AS packages
WORKDIR /weir
COPY package.json package-lock.json .npmrc ./
COPY libs ./libs
COPY services ./services
COPY test ./test
RUN npm ci --omit=dev --ignore-scripts && rm -rf libs/render/engine libs/render/verifier libs/render/decryptor libs/render/wire

FROM ${NODE_IMAGE} AS weir
RUN apk add --no-cache git openssh-client openssh-keygen gnupg && rm -rf /usr/local/lib/node_modules /opt/yarn*
WORKDIR /weir
COPY --from=packages /weir/node_modules ./node_modules
COPY --from=packages /weir/libs ./libs
COPY --from=packages /weir/services ./services
COPY charts/weir/crds ./charts/weir/crds
COPY charts/weir/rbac ./charts/weir/rbac
COPY package.json LICENSE ./
COPY --from=engine /weir-engine /usr/local/bin/weir-engine
COPY --from=verifier /weir-verifier /usr/local/bin/weir-verifier
COPY --from=decryptor /weir-decryptor /usr/local/bin/weir-decryptor
ENV WEIR_ENGINE=/usr/local/bin/weir-engine WEIR_VERIFIER=/usr/local/bin/weir-verifier \
  WEIR_DECRYPTOR=/usr/local/bin/weir-decryptor NODE_ENV=production
# Both keep a service small: see docs/performance.md, "Memory".
ENV NODE_OPTIONS=--max-semi-space-size=2 NODE_COMPILE_CACHE=/weir/.compile-cache
RUN mkdir .compile-cache && chown 65532:65532 .compile-cache
# A number, so that `runAsNonRoot` can be checked without a passwd file. ssh runs for users who have a line in that file only.
RUN adduser -D -H -u 65532 weir
USER 65532:65532
# Half of these threads look up names: as many as source may be waiting for at a time, so that a name server that hangs
# holds up nobody else.
ENV UV_THREADPOOL_SIZE=40
# Strips the types of everything and compiles it, once and for all starts. The cache is this user's alone.
RUN node services/host/run.ts --help > /dev/null \
  && node -e "import('./services/host/catalogue.ts').then((c) => Promise.all(c.SERVICES.map(c.loadService)))"
ENTRYPOINT ["node", "services/host/run.ts"]

# The Git server of the example repository, for docker-compose.yml.
FROM weir AS example
USER root
RUN apk add --no-cache git-daemon
COPY --from=packages /weir/test/cluster ./test/cluster
COPY --from=packages /weir/test/quickstart ./test/quickstart
USER 65532:65532
ENTRYPOINT ["node", "test/quickstart/serve.ts"]

FROM weir
