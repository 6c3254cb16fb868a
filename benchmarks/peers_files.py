"""The files that the proxies are set up by, and the backend. {names} are filled in by peers_setup.py.

Ours has a table of routes whose last one is taken, health checks, a bound and a queue for the server, an access log,
and the limits that it has of itself.
"""

OURS = """
[[listener]]
address = "{listen}"
{tls}
[[pool]]
name = "app"
backends = ["{backend}"]
health = {{ path = "/" }}
max_connections = 1000
queue = 1000

[[pool]]
name = "beta"
backends = ["{backend}"]

[[route]]
host = "*.pictures.test"
pool = "beta"

[[route]]
path = "/api"
header = "X-Version: 2"
pool = "beta"
rewrite = "/v2{{rest}}"

[[route]]
path_pattern = "/catalogue/*/old/**"
redirect = {{ to = "/catalogue/{{1}}" }}

[[route]]
cookie = "group=beta"
pool = "beta"

[[route]]
pool = "app"

[log]
access = "{folder}/access.log"
{cache}
"""

OURS_TLS = """
tls = true
[[certificate]]
name = "bench"
cert = "{folder}/cert.pem"
key = "{folder}/key.pem"
"""

OURS_CACHE = """
[cache]
size = "64MiB"
"""

_ELSEWHERE = "fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;"
_MAIN = """
daemon off; user root; pid {folder}/nginx.pid; worker_rlimit_nofile {most};
events {{ worker_connections {most}; }}
"""

BACKEND = _MAIN.replace("nginx.pid", "backend.pid") + """
worker_processes {workers};
http {{
    access_log off; sendfile on; tcp_nopush on; default_type text/plain;
    keepalive_requests {end}; keepalive_timeout 3600s;
    client_body_temp_path {folder}/backend-body; proxy_temp_path {folder}/backend-proxy;
    """ + _ELSEWHERE + """
    server {{
        listen {listen} backlog=4096;
        location / {{ return 200 "{small}"; }}
        location = /status {{ stub_status; }}
        location = /large {{ alias {folder}/large; }}
        location = /cached {{ add_header Cache-Control "max-age=3600"; return 200 "{small}"; }}
    }}
}}
"""

NGINX = _MAIN + """
worker_processes 1;
http {{
    access_log {folder}/access.log combined buffer=64k flush=1s;
    sendfile on; tcp_nopush on;
    keepalive_requests {end}; keepalive_timeout 3600s;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    """ + _ELSEWHERE + """
    {zone}
    upstream backend {{ server {backend}; keepalive 128; keepalive_requests {end}; }}
    server {{
        listen {listen} backlog=4096;
        {tls}
        location / {{
            proxy_pass http://backend; proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            {cache}
        }}
    }}
}}
"""

NGINX_TLS = "ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;"
NGINX_ZONE = "proxy_cache_path {folder}/cache keys_zone=ram:10m;"  # the folder is on a tmpfs
NGINX_CACHE = "proxy_cache ram;"

HAPROXY = """
global
    nbthread 1
    maxconn {most}
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    option forwardfor
    http-reuse always
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout http-keep-alive 1h
frontend front
    bind {listen} backlog 4096
    default_backend back
backend back
    server srv1 {backend} check pool-max-conn 128
"""
