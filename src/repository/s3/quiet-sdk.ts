// On Node 20 the AWS SDK warns in every process that its releases of 2027 will need Node 22. The pinned release supports
// Node 20, so an operator can't act on it. The variable is the SDK's documented switch.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
