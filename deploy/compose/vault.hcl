# One Vault on a volume. It starts sealed and empty; TLS belongs in front of it as soon as it leaves this host.
storage "file" {
  path = "/vault/file"
}
listener "tcp" {
  address     = "0.0.0.0:8200"
  tls_disable = true
}
# Locking memory needs a capability that no container here has; the host should have no swap, or an encrypted one.
disable_mlock = true
api_addr      = "http://vault:8200"
ui            = false
