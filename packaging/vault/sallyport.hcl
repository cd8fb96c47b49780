# The records, each changed by check-and-set.
path "secret/data/sallyport/*" {
  capabilities = ["create", "read", "update"]
}

# Their metadata: one version only; disabling deletes them.
path "secret/metadata/sallyport/*" {
  capabilities = ["read", "update", "delete", "list"]
}

# Older versions, where the mount keeps more than one.
path "secret/destroy/sallyport/*" {
  capabilities = ["update"]
}

# Seeds are sealed by the transit engine as well.
path "transit/encrypt/sallyport" {
  capabilities = ["update"]
}

path "transit/decrypt/sallyport" {
  capabilities = ["update"]
}

# Which version of the key is the latest.
path "transit/keys/sallyport" {
  capabilities = ["read"]
}

# The gateway's own token.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}
