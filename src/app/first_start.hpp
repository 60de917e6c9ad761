// What `wye up` puts into a data folder: the default configuration, the secrets of the instance, the first API key.
// Threads: one caller, which holds the lock of the folder. Nothing that is there is overwritten, but for a key that ends soon.
#pragma once

#include "app/artefacts.hpp"
#include "app/host.hpp"

namespace wye::app {

/// The default configuration as <data>/config, as a whole or not at all; nothing where that folder exists.
/// Errors: kIo; kNotFound where a model that it names is missing.
Result<void> write_default_config(const DataFolder& data, const Artefacts& artefacts);

/// 32 characters from the kernel, 0600; nothing where the file exists. Errors: kIo.
Result<void> make_simulator_key(const DataFolder& data);

/// The first API key, kept readable for programs of the owner.
struct LaptopKey {
  Secret text;
  bool made_now = false;  // show it once
};
/// The one that is kept, while it stays valid for another 30 days and its tenant exists; else a new one for 365 days and all Routes, of
/// the Tenant `local` where there is one, else of the first. Absent where configuration has no Tenant. Errors: kIo, those of the store.
Result<std::optional<LaptopKey>> load_or_make_laptop_key(Host& host, const DataFolder& data, WallTime now);

/// The kept key for a command; empty where there is none.
Secret read_laptop_key(const DataFolder& data);

}  // namespace wye::app
