// csp: the page's policy allows <style> only with its nonce, and no style attribute at all. The editor makes both, so this is the one place where
// each new <style> gets the nonce, and where a style attribute set from script goes through CSSOM, which the policy allows.
let stamped = "";

export function stampStyles(nonce: string): void {
  if (stamped || !nonce) return;
  stamped = nonce;
  const create = document.createElement.bind(document) as (name: string, options?: ElementCreationOptions) => HTMLElement;
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const element = create(name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  }) as typeof document.createElement;
  const set = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name: string, value: string) {
    if (name === "style" && (this instanceof HTMLElement || this instanceof SVGElement)) this.style.cssText = value;
    else set.call(this, name, value);
  };
}
