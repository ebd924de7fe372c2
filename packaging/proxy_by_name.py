#!/usr/bin/env python3
"""A DNS server that knows one name, and a SOCKS5 proxy without a login, both on a loopback address.

Usage: proxy_by_name.py ADDRESS NAME. Prints a line once both listen; the ports are 53 and 1080. Logs each question for
a name and each connection to standard error. IPv4 only.
"""

import socket
import struct
import sys
import threading


def answer(query: bytes, name: str, address: str) -> bytes:
    """Answers with the address for an A question about the name, and with no record for any other question."""
    labels, position = [], 12
    while query[position]:
        labels.append(query[position + 1 : position + 1 + query[position]].decode())
        position += 1 + query[position]
    end = position + 5
    (kind,) = struct.unpack_from(">H", query, position + 1)
    is_known = ".".join(labels).lower() == name and kind == 1
    print(f"DNS {'.'.join(labels)} {kind}", file=sys.stderr, flush=True)
    record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
    header = query[:2] + struct.pack(">HHHHH", 0x8580, 1, int(is_known), 0, 0)
    return header + query[12:end] + (record if is_known else b"")


def serve_names(server: socket.socket, name: str, address: str) -> None:
    while True:
        query, client = server.recvfrom(4096)
        server.sendto(answer(query, name, address), client)


def receive(client: socket.socket, size: int) -> bytes:
    data = client.recv(size, socket.MSG_WAITALL)
    if len(data) < size:
        raise ConnectionError("closed")
    return data


def copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        sink.close()


def relay(client: socket.socket) -> None:
    try:
        receive(client, receive(client, 2)[1])
        client.sendall(b"\x05\x00")
        _, command, _, kind = receive(client, 4)
        if (command, kind) != (1, 1):
            raise ConnectionError(f"command {command}, kind of address {kind}")
        host = socket.inet_ntoa(receive(client, 4))
        (port,) = struct.unpack(">H", receive(client, 2))
        upstream = socket.create_connection((host, port))
        print(f"SOCKS5 {host}:{port}", file=sys.stderr, flush=True)
        client.sendall(b"\x05\x00\x00\x01" + bytes(6))
    except OSError as error:
        print(f"SOCKS5 {error}", file=sys.stderr, flush=True)
        client.close()
        return
    threading.Thread(target=copy, args=(upstream, client), daemon=True).start()
    copy(client, upstream)


def main() -> None:
    address, name = sys.argv[1:]
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind((address, 53))
    proxy = socket.create_server((address, 1080))
    threading.Thread(target=serve_names, args=(names, name, address), daemon=True).start()
    print("listening", flush=True)
    while True:
        client, _ = proxy.accept()
        threading.Thread(target=relay, args=(client,), daemon=True).start()


if __name__ == "__main__":
    main()
