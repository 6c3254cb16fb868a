# The lab in a container: docs/ways-in.md has the `docker run` line, and says why each of its words is needed.
FROM debian:12
COPY . /layer-lab
RUN /layer-lab/lab setup && apt-get clean && rm -rf /var/lib/apt/lists/*
WORKDIR /layer-lab
ENTRYPOINT ["/layer-lab/lab"]
