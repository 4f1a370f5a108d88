-- The NodePort that an attempt's manifests may ask for (parameter `nodeport`) is the cluster's only one: no two attempts have it at once. An ending one's
-- Service may still hold it. NULL in rows older than this file.
ALTER TABLE attempt ADD COLUMN nodeport INTEGER;
CREATE UNIQUE INDEX attempt_nodeport ON attempt (nodeport) WHERE state IN ('wanted', 'ready', 'resetting', 'ending');
