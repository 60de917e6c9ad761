// The handlers of the admin API, one function a route. Private to this room; api_routes.cpp is the list.
// Threads: any that may block.
#pragma once

#include "admin/api.hpp"

namespace wye::admin {

/// The detail of the refusal of a key that is there, and another tenant's: the answer does not tell, the trail does.
inline constexpr std::string_view kHiddenKey = "keys.hidden";

// handle_config.cpp
Result<ApiAnswer> get_config(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> check_config(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> plan_config(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> apply_config(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> rollback_config(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> list_snapshots(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> get_snapshot(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> list_resources(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> get_resource(const ApiPorts& ports, ApiRequest& request);

// handle_keys.cpp
Result<ApiAnswer> list_keys(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> create_key(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> get_key(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> rotate_key(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> revoke_key(const ApiPorts& ports, ApiRequest& request);

// handle_access.cpp
Result<ApiAnswer> explain_access(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> who_can(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> read_audit(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> verify_audit(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> test_credential(const ApiPorts& ports, ApiRequest& request);

// handle_instance.cpp
Result<ApiAnswer> get_status(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> get_targets(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> stop_instance(const ApiPorts& ports, ApiRequest& request);
Result<ApiAnswer> get_openapi(const ApiPorts& ports, ApiRequest& request);

}  // namespace wye::admin
