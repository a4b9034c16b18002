// The AWS SDK warns on Node 20 in every process that its releases of 2027 will need Node 22. The release in use is pinned
// and supports Node 20, so nobody who runs vault-dr can act on it. The variable is the SDK's documented switch.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
