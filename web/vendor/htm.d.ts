declare const htm: {
  bind<Node>(h: (type: any, props: any, ...children: any[]) => Node): (parts: TemplateStringsArray, ...values: any[]) => any;
};
export default htm;
