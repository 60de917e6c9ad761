// Audiences that no Issuer may name: tokens for them are meant for somebody else, and whoever accepts one can be made a confused deputy.
// Source: Microsoft identity platform, access tokens ("only validate tokens for your own API"); application ids of first-party services.
// Threads: pure.
#pragma once

namespace wye::token {

/// Whose resource an audience is if Wye must never accept tokens for it: `Microsoft Graph`, `Azure Resource Manager`, `Azure AI services`,
/// `the Kubernetes API server`. Empty: nobody's. Case, trailing slashes, `/.default`, a scheme of http and a written default port do not
/// hide one.
std::string_view owner_of_refused_audience(std::string_view audience);

}  // namespace wye::token
